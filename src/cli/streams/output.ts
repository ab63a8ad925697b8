/**
 * Standard output and error, written at once and in order. Building Node's stream objects costs a few milliseconds a
 * start, so they are made only for descriptors that refuse a write for the moment.
 */

import { writeSync } from 'node:fs';
import { errnoOf } from '../failure.ts';

/** Exit code of a process that SIGPIPE killed, as the shell counts it. */
const EXIT_BROKEN_PIPE = 141;

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
type Descriptor = typeof STANDARD_OUTPUT | typeof STANDARD_ERROR;

/** The standard output and error of this process. One per process. */
export class Output {
  readonly #deferred = new Map<Descriptor, NodeJS.WriteStream>();

  /** Writes to standard output. */
  out(data: string | Uint8Array): void {
    this.#write(STANDARD_OUTPUT, data);
  }

  /** Writes to standard error. */
  error(data: string | Uint8Array): void {
    this.#write(STANDARD_ERROR, data);
  }

  /** Resolves when everything written so far has reached its destination. */
  async flush(): Promise<void> {
    for (const stream of this.#deferred.values()) {
      await new Promise<void>((resolve) => stream.write('', () => resolve()));
    }
  }

  #write(descriptor: Descriptor, data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    let written = 0;
    try {
      while (!this.#deferred.has(descriptor) && written < bytes.length) {
        written += writeSync(descriptor, bytes, written);
      }
    } catch (error) {
      if (errnoOf(error) === 'EPIPE') process.exit(EXIT_BROKEN_PIPE);
      if (errnoOf(error) !== 'EAGAIN') throw error;
    }
    if (written === bytes.length) return;
    const stream = descriptor === STANDARD_OUTPUT ? process.stdout : process.stderr;
    this.#deferred.set(descriptor, stream);
    stream.write(bytes.subarray(written));
  }
}
