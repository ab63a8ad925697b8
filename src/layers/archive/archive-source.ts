import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type Digest, invalidParameter } from '../../base/index.ts';
import { DecompressionError, type Decompressor, openDecompressor } from '../../linux/index.ts';
import { type Compression, detectCompression, MAGIC_SIZE } from './compression.ts';
import { unexpectedEnd } from './tar-errors.ts';

/** Where an archive's bytes are in an open file. */
export interface ArchiveExtent {
  readonly descriptor: number;
  readonly offset: number;
  /** Undefined: up to the file's end. */
  readonly size?: number;
}

// Uncompressed data passes through one buffer of this size: large enough for few calls, small enough for the cache, and
// a multiple of the tar block, so that file contents begin at aligned addresses.
const WINDOW_SIZE = 256 * 1024;
const INPUT_SIZE = 128 * 1024;

/**
 * The uncompressed bytes of an archive, read synchronously, with their sha256. What a method returns is valid until the
 * next call.
 */
export class ArchiveSource {
  readonly #input: Input;
  readonly #decompressor: Decompressor | undefined;
  readonly #buffer = new Uint8Array(new ArrayBuffer(WINDOW_SIZE));
  readonly #hash = createHash('sha256');
  #window = this.#buffer.subarray(0, 0);
  #insideStream = false;

  constructor(extent: ArchiveExtent) {
    this.#input = new Input(extent);
    const compression = detectCompression(this.#input.peek(MAGIC_SIZE));
    this.#decompressor = decompressorFor(compression);
  }

  /** Exactly `size` bytes, or fewer at the end. */
  read(size: number): Uint8Array {
    if (this.#window.length === 0) this.#fill();
    if (this.#window.length >= size) return this.#take(size);
    const parts: Uint8Array[] = [];
    for (let missing = size; missing > 0; ) {
      const part = Uint8Array.from(this.chunk(missing));
      if (part.length === 0) break;
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** The next bytes, at most `limit`, as many as are at hand; none only at the end. */
  chunk(limit: number): Uint8Array {
    if (this.#window.length === 0) this.#fill();
    return this.#take(Math.min(limit, this.#window.length));
  }

  /** The digest of everything; call once, when everything has been read. */
  digest(): Digest {
    return `sha256:${this.#hash.digest('hex')}`;
  }

  close(): void {
    this.#decompressor?.close();
  }

  #take(size: number): Uint8Array {
    const taken = this.#window.subarray(0, size);
    this.#window = this.#window.subarray(size);
    return taken;
  }

  #fill(): void {
    const size = this.#decompressor === undefined ? this.#input.readInto(this.#buffer) : this.#inflate();
    this.#window = this.#buffer.subarray(0, size);
    this.#hash.update(this.#window);
  }

  #inflate(): number {
    let filled = 0;
    while (filled < this.#buffer.length && this.#decompressor !== undefined) {
      const input = this.#input.peek(MAGIC_SIZE);
      // What follows the last stream and is no other one is let go, as gzip(1) does.
      if (!this.#insideStream && detectCompression(input) === 'none') break;
      const { consumed, produced, ended } = step(this.#decompressor, input, this.#buffer.subarray(filled));
      this.#input.skip(consumed);
      filled += produced;
      if (input.length === 0 && produced === 0) throw unexpectedEnd();
      this.#insideStream = !ended;
    }
    return filled;
  }
}

function decompressorFor(compression: Compression): Decompressor | undefined {
  if (compression === 'none') return undefined;
  if (compression === 'gzip' || compression === 'zstd') return openDecompressor(compression);
  throw new Error(`${compression} data must be decompressed first`);
}

function step(decompressor: Decompressor, input: Uint8Array, output: Uint8Array) {
  try {
    return decompressor.step(input, output);
  } catch (error) {
    if (error instanceof DecompressionError) throw invalidParameter(error.message, { cause: error });
    throw error;
  }
}

/** Buffered reading of an extent. */
class Input {
  readonly #extent: ArchiveExtent;
  readonly #buffer = new Uint8Array(new ArrayBuffer(INPUT_SIZE));
  #held = this.#buffer.subarray(0, 0);
  #position: number;
  readonly #end: number;

  constructor(extent: ArchiveExtent) {
    this.#extent = extent;
    this.#position = extent.offset;
    this.#end = extent.size === undefined ? Number.POSITIVE_INFINITY : extent.offset + extent.size;
  }

  /** What is buffered, at least `size` bytes unless the end is near. */
  peek(size: number): Uint8Array {
    if (this.#held.length >= size) return this.#held;
    this.#buffer.set(this.#held);
    const kept = this.#held.length;
    this.#held = this.#buffer.subarray(0, kept + this.#readFile(this.#buffer.subarray(kept)));
    return this.#held;
  }

  skip(size: number): void {
    this.#held = this.#held.subarray(size);
  }

  /** Fills `target` as far as there is data. */
  readInto(target: Uint8Array): number {
    const held = this.#held.subarray(0, target.length);
    target.set(held);
    this.skip(held.length);
    return held.length + this.#readFile(target.subarray(held.length));
  }

  #readFile(target: Uint8Array): number {
    let filled = 0;
    while (filled < target.length) {
      const wanted = Math.min(target.length - filled, this.#end - this.#position);
      const size = wanted === 0 ? 0 : readSync(this.#extent.descriptor, target, filled, wanted, this.#position);
      if (size === 0) break;
      filled += size;
      this.#position += size;
    }
    return filled;
  }
}
