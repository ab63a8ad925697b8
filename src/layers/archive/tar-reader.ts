import type { ArchiveSource } from './archive-source.ts';
import { paddingOf, readEntry } from './tar-entry.ts';
import { unexpectedEnd } from './tar-errors.ts';
import type { TarHeader } from './tar-header.ts';

/** Reads a tar archive entry by entry, synchronously. */
export class TarReader {
  readonly #source: ArchiveSource;
  readonly #onRawBytes: (bytes: Uint8Array) => void;
  #remaining = 0;
  #padding = 0;

  /** @param onRawBytes is shown everything that is not file content, in order: headers, padding, the archive's end */
  constructor(source: ArchiveSource, onRawBytes: (bytes: Uint8Array) => void) {
    this.#source = source;
    this.#onRawBytes = onRawBytes;
  }

  /** The next entry's header; undefined at the end. The content before it must have been read. */
  next(): TarHeader | undefined {
    if (this.#padding > 0) this.#raw(this.#padding);
    const parser = readEntry();
    let state = parser.next();
    while (!state.done) state = parser.next(this.#raw(state.value));
    this.#remaining = state.value?.storedSize ?? 0;
    this.#padding = paddingOf(this.#remaining);
    return state.value;
  }

  /** Calls `use` with all of the entry's content, piece by piece. Throws `unexpected EOF` if the archive is cut off. */
  content(use: (piece: Uint8Array) => void): void {
    this.contentPart(this.#remaining, use);
  }

  /** The same for the next `size` bytes of the content. */
  contentPart(size: number, use: (piece: Uint8Array) => void): void {
    for (let missing = size; missing > 0; ) {
      const piece = this.#source.chunk(missing);
      if (piece.length === 0) throw unexpectedEnd();
      use(piece);
      missing -= piece.length;
    }
    this.#remaining -= size;
  }

  /** Reads what follows the archive's end mark. */
  finish(): void {
    for (;;) {
      const rest = this.#source.chunk(Number.MAX_SAFE_INTEGER);
      if (rest.length === 0) return;
      this.#onRawBytes(rest);
    }
  }

  #raw(size: number): Uint8Array {
    const bytes = this.#source.read(size);
    this.#onRawBytes(bytes);
    return bytes;
  }
}
