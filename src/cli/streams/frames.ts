/** Takes apart the frames in which engines send standard output and error over one connection. */

/** The streams of a frame's first byte. */
const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
const SYSTEM_ERROR = 3;
/** A frame's header: stream, three unused bytes, length as a big-endian 32-bit number. */
const HEADER_BYTES = 8;

/** Receives the bytes of the streams. */
export interface FrameSink {
  out(data: Uint8Array): void;
  error(data: Uint8Array): void;
}

/** Splits a multiplexed stream (application/vnd.docker.multiplexed-stream), piece by piece. */
export class FrameSplitter {
  readonly #sink: FrameSink;
  #header: Buffer = Buffer.alloc(0);
  #stream = STANDARD_OUTPUT;
  #left = 0;
  #systemError = '';

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Takes the next bytes of the connection. Throws if they are no frames, or if the engine reports an error in one. */
  feed(piece: Buffer): void {
    for (let rest = piece; rest.length > 0; ) {
      if (this.#left === 0) {
        rest = this.#readHeader(rest);
        continue;
      }
      const part = rest.subarray(0, this.#left);
      rest = rest.subarray(part.length);
      this.#left -= part.length;
      this.#deliver(part);
    }
  }

  #readHeader(rest: Buffer): Buffer {
    const missing = HEADER_BYTES - this.#header.length;
    this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
    if (this.#header.length === HEADER_BYTES) {
      this.#stream = this.#header.readUInt8(0);
      this.#left = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
      if (this.#stream > SYSTEM_ERROR) throw new Error(`Unrecognized input header: ${this.#stream}`);
    }
    return rest.subarray(missing);
  }

  #deliver(part: Buffer): void {
    switch (this.#stream) {
      case STANDARD_INPUT:
      case STANDARD_OUTPUT:
        this.#sink.out(part);
        return;
      case STANDARD_ERROR:
        this.#sink.error(part);
        return;
      case SYSTEM_ERROR:
        this.#systemError += part.toString();
        if (this.#left === 0) throw new Error(`error from daemon in stream: ${this.#systemError}`);
    }
  }
}
