import {
  SHIM_HEADER_SIZE,
  SHIM_MAXIMUM_PAYLOAD,
  SHIM_PHASES,
  type ShimExit,
  ShimReply,
  ShimRequest,
  type ShimState,
} from '../contract/shim.ts';

/** Offsets of the fields of a header. */
const FLAGS = 1;
const LENGTH = 4;

/** A whole frame with the given payload. */
export function encodeFrame(type: number, flags = 0, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.alloc(SHIM_HEADER_SIZE + payload.length);
  frame[0] = type;
  frame[FLAGS] = flags;
  frame.writeUInt32LE(payload.length, LENGTH);
  frame.set(payload, SHIM_HEADER_SIZE);
  return frame;
}

/** A payload of one unsigned 32-bit number. */
export function encodeUint32(value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return payload;
}

/** Input for the process as a list of buffers: headers of our own, the data itself uncopied. */
export function* stdinFrames(data: Buffer): Generator<Buffer> {
  for (let start = 0; start < data.length; start += SHIM_MAXIMUM_PAYLOAD) {
    const piece = data.subarray(start, start + SHIM_MAXIMUM_PAYLOAD);
    const header = Buffer.alloc(SHIM_HEADER_SIZE);
    header[0] = ShimRequest.STDIN;
    header.writeUInt32LE(piece.length, LENGTH);
    yield header;
    yield piece;
  }
}

/** Reads the payload of STATE, also at the end of HELLO's. */
export function decodeState(payload: Buffer, offset = 0): ShimState {
  return {
    phase: SHIM_PHASES[payload.readUInt8(offset)] ?? 'failed',
    oomKilled: payload.readUInt8(offset + 1) !== 0,
    pid: payload.readInt32LE(offset + 4),
    shimPid: payload.readInt32LE(offset + 8),
    exitCode: payload.readInt32LE(offset + 12),
    exitTime: payload.readBigInt64LE(offset + 16),
  };
}

/** Reads the payload of EXIT. */
export function decodeExit(payload: Buffer): ShimExit {
  return { code: payload.readInt32LE(0), oomKilled: payload.readUInt32LE(4) !== 0, at: payload.readBigInt64LE(8) };
}

/** What a {@link FrameReader} finds. `output` gets pieces of OUTPUT payloads as they come; the rest comes whole. */
export interface FrameHandler {
  /** Returns false to stop the reading; the reader then keeps the rest for its next `read`. */
  output(stream: number, data: Buffer): boolean;
  frame(type: number, payload: Buffer): void;
}

/** Cuts the shim's byte stream into frames. Output is passed on as views of the input, never copied. */
export class FrameReader {
  readonly #handler: FrameHandler;
  #rest: Buffer = Buffer.alloc(0);
  #outputLeft = 0;
  #outputStream = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Reads as far as it can. Returns false if the handler stopped it. */
  read(chunk: Buffer): boolean {
    const data = this.#rest.length === 0 ? chunk : chunk.length === 0 ? this.#rest : Buffer.concat([this.#rest, chunk]);
    let position = 0;
    let going = true;
    while (going) {
      if (this.#outputLeft > 0) {
        if (position === data.length) break;
        const piece = data.subarray(position, position + this.#outputLeft);
        position += piece.length;
        this.#outputLeft -= piece.length;
        going = this.#handler.output(this.#outputStream, piece);
        continue;
      }
      const used = this.#readFrame(data, position);
      if (used === 0) break;
      position += used;
    }
    this.#rest = data.subarray(position);
    return going;
  }

  /** Reads one header, and the payload if it is not output. Returns the bytes used; 0 if there are too few. */
  #readFrame(data: Buffer, position: number): number {
    if (data.length - position < SHIM_HEADER_SIZE) return 0;
    const type = data.readUInt8(position);
    const length = data.readUInt32LE(position + LENGTH);
    if (type === ShimReply.OUTPUT) {
      this.#outputStream = data.readUInt8(position + FLAGS);
      this.#outputLeft = length;
      return SHIM_HEADER_SIZE;
    }
    const end = position + SHIM_HEADER_SIZE + length;
    if (data.length < end) return 0;
    this.#handler.frame(type, data.subarray(position + SHIM_HEADER_SIZE, end));
    return SHIM_HEADER_SIZE + length;
  }
}
