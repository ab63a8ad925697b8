import type { ConfinedThreads } from '../../linux/index.ts';
import { assembleTask, type FilePiece, type Piece } from './assemble.task.ts';
import { readTarSplit, type TarSplitEntry } from './tar-split-reader.ts';

// How much of the archive is put together at a time: enough to make the thread's round trip cheap.
const BATCH_SIZE = 1 << 20;

interface Batch {
  readonly pieces: Piece[];
  size: number;
}

/**
 * The archive of a layer, bit by bit as it was registered, from its tar-split and its unpacked files. Fails if a file has
 * changed since.
 *
 * @param tree the layer's directory, which the thread is confined to
 */
export async function* assembleArchive(
  confined: ConfinedThreads,
  tree: string,
  tarSplitPath: string,
): AsyncGenerator<Uint8Array> {
  let state: readonly [number, number] | undefined;
  for await (const batch of batches(readTarSplit(tarSplitPath))) {
    // Only a file that continues from the batch before starts with a piece that is not at its beginning.
    const [first, ...others] = batch.pieces;
    const continued = first !== undefined && !(first instanceof Uint8Array) && first.offset > 0 && state !== undefined;
    const pieces = continued ? [{ ...first, state } as FilePiece, ...others] : batch.pieces;
    const assembled = await confined.run(tree, assembleTask, pieces);
    state = assembled.state;
    yield new Uint8Array(assembled.data);
  }
}

/** Cuts entries into batches; a file that does not fit is continued in the next one. */
async function* batches(source: AsyncIterable<readonly TarSplitEntry[]>): AsyncGenerator<Batch> {
  let batch: Batch = { pieces: [], size: 0 };
  for await (const entries of source) {
    for (const entry of entries) {
      if (entry.kind === 'bytes') {
        batch.pieces.push(entry.bytes);
        batch.size += entry.bytes.length;
      } else {
        for (let offset = 0; offset < entry.size; ) {
          const size = Math.min(entry.size - offset, Math.max(BATCH_SIZE - batch.size, 1));
          const isLast = offset + size === entry.size;
          batch.pieces.push({ name: entry.name, offset, size, ...(isLast && { sum: entry.sum }) });
          batch.size += size;
          offset += size;
          if (batch.size < BATCH_SIZE) continue;
          yield batch;
          batch = { pieces: [], size: 0 };
        }
      }
      if (batch.size < BATCH_SIZE) continue;
      yield batch;
      batch = { pieces: [], size: 0 };
    }
  }
  if (batch.size > 0) yield batch;
}
