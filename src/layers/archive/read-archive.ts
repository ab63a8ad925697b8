import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { errnoOf, invalidParameter, messageOf } from '../../base/index.ts';
import { displayName } from './byte-string.ts';
import { detectCompression, MAGIC_SIZE } from './compression.ts';
import { openArchive } from './open-archive.ts';
import { paddingOf, readEntry } from './tar-entry.ts';
import { unexpectedEnd } from './tar-errors.ts';
import { BLOCK_SIZE, type TarEntryType } from './tar-header.ts';

/** An entry of an archive that is only read, not unpacked. */
export interface ArchiveEntry {
  /** As the archive has it; it may contain `..` and must not be used as a path. */
  readonly name: string;
  readonly type: TarEntryType;
  readonly linkName: string;
  readonly mode: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Where the content begins in the file; undefined in a compressed archive. */
  readonly offset: number | undefined;
  /** The content. What is not read before the next entry is asked for is skipped. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a tar archive in a file, compressed in any way that dockerd knows. Throws invalidParameter if it is
 * none or is cut off.
 *
 * @param temporaryFolder where bzip2 and xz are decompressed to
 */
export async function* readArchive(path: string, temporaryFolder: string): AsyncGenerator<ArchiveEntry> {
  await using file = await open(path, 'r');
  const start = Buffer.alloc(MAGIC_SIZE);
  await file.read(start, 0, MAGIC_SIZE, 0);
  const compression = detectCompression(start);
  if (compression === 'none') {
    yield* readEntries(new FileSource(file, (await file.stat()).size), true);
  } else if (compression === 'gzip' || compression === 'zstd') {
    const decompressor = compression === 'gzip' ? createGunzip() : createZstdDecompress();
    const compressed = file.createReadStream({ start: 0, autoClose: false });
    compressed.once('error', (error) => decompressor.destroy(error));
    compressed.pipe(decompressor);
    try {
      yield* readEntries(new StreamSource(decompressor), false);
    } finally {
      compressed.destroy();
      decompressor.destroy();
    }
  } else {
    await using decompressed = await openArchive({ path }, temporaryFolder);
    yield* readEntries(new FileSource(decompressed.file, (await decompressed.file.stat()).size), false);
  }
}

interface Source {
  /** Exactly `size` bytes, or fewer at the end. */
  read(size: number): Promise<Uint8Array>;
  /** The next bytes, at most `limit`; none only at the end. */
  chunk(limit: number): Promise<Uint8Array>;
  skip(size: number): Promise<void>;
  readonly position: number;
}

async function* readEntries(source: Source, hasOffsets: boolean): AsyncGenerator<ArchiveEntry> {
  for (;;) {
    const parser = readEntry();
    let state = parser.next();
    while (!state.done) state = parser.next(await source.read(state.value));
    const header = state.value;
    if (header === undefined) return;
    const start = source.position;
    const end = start + header.storedSize;
    const body = async function* () {
      while (source.position < end) {
        const chunk = await source.chunk(end - source.position);
        if (chunk.length === 0) throw unexpectedEnd();
        yield chunk;
      }
    };
    yield {
      name: displayName(header.name),
      type: header.type,
      linkName: displayName(header.linkName),
      mode: header.mode,
      size: header.storedSize,
      modified: header.modificationTime.seconds,
      offset: hasOffsets ? start : undefined,
      body: body(),
    };
    await source.skip(end + paddingOf(header.storedSize) - source.position);
  }
}

const CHUNK_SIZE = 256 * 1024;

/** An uncompressed archive: what is not wanted is not read. */
class FileSource implements Source {
  position = 0;
  readonly #file: FileHandle;
  readonly #size: number;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  async read(size: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await this.#file.read(buffer, filled, size - filled, this.position);
      if (bytesRead === 0) break;
      filled += bytesRead;
      this.position += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  chunk(limit: number): Promise<Uint8Array> {
    return this.read(Math.min(limit, CHUNK_SIZE));
  }

  async skip(size: number): Promise<void> {
    // The padding of the last block may be missing, content may not.
    if (this.position + size >= this.#size + BLOCK_SIZE) throw unexpectedEnd();
    this.position += size;
  }
}

/** A decompressor's output. */
class StreamSource implements Source {
  position = 0;
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Uint8Array = new Uint8Array();

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(size: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let missing = size; missing > 0; ) {
      const part = await this.chunk(missing);
      if (part.length === 0) break;
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  async chunk(limit: number): Promise<Uint8Array> {
    if (this.#held.length === 0) this.#held = await this.#nextChunk();
    const taken = this.#held.subarray(0, limit);
    this.#held = this.#held.subarray(taken.length);
    this.position += taken.length;
    return taken;
  }

  async skip(size: number): Promise<void> {
    for (let missing = size; missing > 0; ) {
      const skipped = (await this.chunk(missing)).length;
      if (skipped === 0 && missing >= BLOCK_SIZE) throw unexpectedEnd();
      if (skipped === 0) return;
      missing -= skipped;
    }
  }

  async #nextChunk(): Promise<Uint8Array> {
    try {
      const next = await this.#chunks.next();
      return next.done === true ? new Uint8Array() : next.value;
    } catch (error) {
      throw readableError(error);
    }
  }
}

// zlib's name for data that stops too early.
const TRUNCATED = 'Z_BUF_ERROR';

function readableError(error: unknown): unknown {
  const code = errnoOf(error);
  if (code === TRUNCATED) return unexpectedEnd();
  if (code?.startsWith('Z_') || code?.startsWith('ZSTD_')) return invalidParameter(messageOf(error), { cause: error });
  return error;
}
