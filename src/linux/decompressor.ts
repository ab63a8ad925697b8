import koffi from 'koffi';

/**
 * Streaming decompression without an event loop: `node:zlib` can only do a whole buffer at once or work asynchronously.
 * The functions are those of the zlib and zstd that Node itself is linked with.
 */
export interface Decompressor {
  /**
   * Decompresses from `input` into `output`.
   *
   * @returns how much of each was used, and whether a compressed stream ended there (another one may follow)
   * @throws DecompressionError if the data is not what it should be
   */
  step(input: Uint8Array, output: Uint8Array): { consumed: number; produced: number; ended: boolean };
  /** Frees its memory. */
  close(): void;
}

/** Compressed data that is damaged. */
export class DecompressionError extends Error {
  override readonly name = 'DecompressionError';
}

/** Opens a decompressor for gzip (RFC 1952, several members) or zstd (RFC 8878, several frames). */
export function openDecompressor(format: 'gzip' | 'zstd'): Decompressor {
  return format === 'gzip' ? new Inflater() : new ZstdDecompressor();
}

type Pointer = bigint;

function declare<F>(definition: string): F {
  return koffi.load(null).func(definition) as unknown as F;
}

// z_stream of <zlib.h> on 64-bit machines: where its members are.
const Z_STREAM = { nextIn: 0, availableIn: 8, nextOut: 24, availableOut: 32, size: 112 } as const;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;
// inflateInit2: 15 bits of window, and 16 more for "gzip header only".
const GZIP_WINDOW_BITS = 15 + 16;
// inflateInit2_ compares only the first character of the version its caller was built for.
const ZLIB_VERSION = '1';

class Inflater implements Decompressor {
  readonly #stream = Buffer.alloc(Z_STREAM.size);
  readonly #inflate = declare<(stream: Buffer, flush: number) => number>('int inflate(void *stream, int flush)');
  readonly #reset = declare<(stream: Buffer) => number>('int inflateReset(void *stream)');
  readonly #end = declare<(stream: Buffer) => number>('int inflateEnd(void *stream)');

  constructor() {
    const initialise = declare<(stream: Buffer, windowBits: number, version: string, size: number) => number>(
      'int inflateInit2_(void *stream, int windowBits, const char *version, int size)',
    );
    const result = initialise(this.#stream, GZIP_WINDOW_BITS, ZLIB_VERSION, Z_STREAM.size);
    if (result !== 0) throw new Error(`inflateInit2: ${result}`);
  }

  step(input: Uint8Array, output: Uint8Array) {
    const stream = this.#stream;
    stream.writeBigUInt64LE(koffi.address(input) as Pointer, Z_STREAM.nextIn);
    stream.writeUInt32LE(input.length, Z_STREAM.availableIn);
    stream.writeBigUInt64LE(koffi.address(output) as Pointer, Z_STREAM.nextOut);
    stream.writeUInt32LE(output.length, Z_STREAM.availableOut);
    const result = this.#inflate(stream, 0);
    if (result !== 0 && result !== Z_STREAM_END && result !== Z_BUF_ERROR) {
      throw new DecompressionError('gzip: invalid data');
    }
    const ended = result === Z_STREAM_END;
    if (ended) this.#reset(stream);
    return {
      consumed: input.length - stream.readUInt32LE(Z_STREAM.availableIn),
      produced: output.length - stream.readUInt32LE(Z_STREAM.availableOut),
      ended,
    };
  }

  close(): void {
    this.#end(this.#stream);
  }
}

// ZSTD_inBuffer and ZSTD_outBuffer of <zstd.h>: pointer, size, position.
const ZSTD_BUFFER = { pointer: 0, size: 8, position: 16, total: 24 } as const;
// Error codes are the last 120 values of size_t (zstd_errors.h, ZSTD_error_maxCode).
const ZSTD_LARGEST_ERROR_CODE = 120n;

class ZstdDecompressor implements Decompressor {
  readonly #context: unknown;
  readonly #input = Buffer.alloc(ZSTD_BUFFER.total + 64);
  readonly #output = Buffer.alloc(ZSTD_BUFFER.total + 64);
  readonly #decompress = declare<(context: unknown, output: Buffer, input: Buffer) => number | bigint>(
    'uint64_t ZSTD_decompressStream(void *context, void *output, void *input)',
  );
  readonly #free = declare<(context: unknown) => unknown>('uint64_t ZSTD_freeDCtx(void *context)');

  constructor() {
    this.#context = declare<() => unknown>('void *ZSTD_createDCtx()')();
  }

  step(input: Uint8Array, output: Uint8Array) {
    describeBuffer(this.#input, input);
    describeBuffer(this.#output, output);
    const result = BigInt.asUintN(64, BigInt(this.#decompress(this.#context, this.#output, this.#input)));
    if (result > 2n ** 64n - 1n - ZSTD_LARGEST_ERROR_CODE) throw new DecompressionError('zstd: invalid data');
    return {
      consumed: Number(this.#input.readBigUInt64LE(ZSTD_BUFFER.position)),
      produced: Number(this.#output.readBigUInt64LE(ZSTD_BUFFER.position)),
      ended: result === 0n,
    };
  }

  close(): void {
    this.#free(this.#context);
  }
}

function describeBuffer(description: Buffer, content: Uint8Array): void {
  description.writeBigUInt64LE(koffi.address(content) as Pointer, ZSTD_BUFFER.pointer);
  description.writeBigUInt64LE(BigInt(content.length), ZSTD_BUFFER.size);
  description.writeBigUInt64LE(0n, ZSTD_BUFFER.position);
}
