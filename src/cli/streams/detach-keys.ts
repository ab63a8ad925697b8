/** The key sequence that leaves an attached container running. */

/** docker's default: ctrl-p, ctrl-q. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** What `ctrl-` may be followed by, in the order of the control characters from 0 on. */
const CONTROL_CHARACTERS = '@abcdefghijklmnopqrstuvwxyz[\\]^_';
const DELETE = 127;

/** The bytes of a sequence like `ctrl-p,ctrl-q` or `a,b`. Throws if a key is unknown. */
export function parseDetachKeys(text: string): Buffer {
  const keys = text.split(',').map((key) => {
    if (key === 'DEL') return DELETE;
    if (key.length === 1) return key.charCodeAt(0);
    const control = key.startsWith('ctrl-') && key.length === 'ctrl-'.length + 1 ? key.slice(-1).toLowerCase() : '';
    const code = control === '' ? -1 : CONTROL_CHARACTERS.indexOf(control);
    if (code < 0) throw new Error(`invalid detach keys (${text}) provided`);
    return code;
  });
  return Buffer.from(keys);
}

/** Watches typed bytes for the sequence and holds back what may be its beginning. */
export class DetachScanner {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** The bytes to pass on, and whether the sequence is complete (what follows it is dropped). */
  feed(piece: Buffer): { data: Buffer; detached: boolean } {
    const passed: number[] = [];
    for (const byte of piece) {
      if (byte !== this.#keys[this.#matched] && this.#matched > 0) {
        passed.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { data: Buffer.from(passed), detached: true };
      } else passed.push(byte);
    }
    return { data: Buffer.from(passed), detached: false };
  }
}
