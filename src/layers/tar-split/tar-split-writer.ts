import { writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type ByteString, bytesOf, textOf } from '../archive/byte-string.ts';

// tar-split's entry types (github.com/vbatts/tar-split, tar/storage/entry.go).
export const FILE_TYPE = 1;
export const SEGMENT_TYPE = 2;

// Raw bytes are gathered up to here; a longer run becomes several segments.
const SEGMENT_LIMIT = 64 * 1024;
// Each gzip member holds about this much text: a reader needs no more at a time.
const MEMBER_SIZE = 1 << 20;
// The text is mostly zeros in base64: more effort hardly makes it smaller.
const COMPRESSION_LEVEL = 1;

/**
 * Writes `tar-split.json.gz`: all bytes of a layer's archive but its files' contents, so that the archive can be put
 * together again from the unpacked files, bit by bit.
 */
export class TarSplitWriter {
  readonly #descriptor: number;
  readonly #segment = Buffer.allocUnsafe(SEGMENT_LIMIT);
  #segmentSize = 0;
  #lines: string[] = [];
  #linesSize = 0;
  #position = 0;
  #offset = 0;

  /** @param descriptor an empty file */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Bytes of the archive that are kept as they are. */
  raw(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#segmentSize === SEGMENT_LIMIT) this.#endSegment();
      const part = rest.subarray(0, SEGMENT_LIMIT - this.#segmentSize);
      this.#segment.set(part, this.#segmentSize);
      this.#segmentSize += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** A file whose content (if any) is taken from the unpacked tree. `sum`: its crc64. */
  file(name: ByteString, size: number, sum: Buffer | undefined): void {
    this.#endSegment();
    const text = textOf(name);
    const nameField =
      text === undefined ? `"name_raw":"${bytesOf(name).toString('base64')}"` : `"name":${JSON.stringify(text)}`;
    const sizeField = size > 0 ? `"size":${size},` : '';
    const payload = sum === undefined ? 'null' : `"${sum.toString('base64')}"`;
    this.#line(`{"type":${FILE_TYPE},${nameField},${sizeField}"payload":${payload},"position":${this.#position}}\n`);
  }

  /** Writes everything out. */
  finish(): void {
    this.#endSegment();
    this.#writeMember();
  }

  #endSegment(): void {
    if (this.#segmentSize === 0) return;
    const payload = this.#segment.toString('base64', 0, this.#segmentSize);
    this.#segmentSize = 0;
    this.#line(`{"type":${SEGMENT_TYPE},"payload":"${payload}","position":${this.#position}}\n`);
  }

  #line(line: string): void {
    this.#position += 1;
    this.#lines.push(line);
    this.#linesSize += line.length;
    if (this.#linesSize >= MEMBER_SIZE) this.#writeMember();
  }

  #writeMember(): void {
    const member = gzipSync(this.#lines.join(''), { level: COMPRESSION_LEVEL });
    this.#lines = [];
    this.#linesSize = 0;
    for (let done = 0; done < member.length; ) {
      done += writeSync(this.#descriptor, member, done, member.length - done, this.#offset + done);
    }
    this.#offset += member.length;
  }
}
