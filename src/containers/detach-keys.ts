import { invalidParameter } from '../base/index.ts';

/** Docker's default: ctrl-p, ctrl-q. */
const DEFAULT_KEYS = 'ctrl-p,ctrl-q';

// `ctrl-` and one of these gives the control characters 0 to 31 in this order (ASCII).
const CONTROL_KEYS = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/** The bytes of a detach sequence such as `ctrl-p,ctrl-q` or `a,b`; empty text means the default. */
export function parseDetachKeys(text: string): Buffer {
  const keys = (text === '' ? DEFAULT_KEYS : text).split(',');
  return Buffer.from(
    keys.map((key) => {
      if (key.length === 1) return key.charCodeAt(0);
      const control = /^ctrl-(.)$/.exec(key)?.[1];
      const code = control === undefined ? -1 : CONTROL_KEYS.indexOf(control.toLowerCase());
      if (code < 0) throw invalidParameter(`Invalid detach keys (${text}) provided`);
      return code;
    }),
  );
}

/** Watches input for the detach sequence. */
export class DetachFilter {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What of `data` is for the process, and whether the sequence is now complete. Bytes of a broken-off sequence are passed on late. */
  push(data: Buffer): { passed: Buffer; detached: boolean } {
    const passed: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < data.length; at++) {
      if (data[at] === this.#keys[this.#matched]) {
        if (this.#matched === 0) passed.push(data.subarray(start, at));
        this.#matched += 1;
        start = at + 1;
        if (this.#matched === this.#keys.length) return { passed: Buffer.concat(passed), detached: true };
      } else if (this.#matched > 0) {
        passed.push(this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
        start = at;
        at -= 1;
      }
    }
    passed.push(data.subarray(start));
    return { passed: Buffer.concat(passed), detached: false };
  }
}
