import { closeSync, constants, fstatSync, ftruncateSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { type Digest, EngineError, errnoOf, messageOf, systemError } from '../../base/index.ts';
import type { ConfinedTask } from '../../linux/index.ts';
import { type ArchiveExtent, ArchiveSource } from '../archive/archive-source.ts';
import { filePath, pathInRoot } from '../archive/byte-string.ts';
import type { TarHeader } from '../archive/tar-header.ts';
import { TarReader } from '../archive/tar-reader.ts';
import { Crc64 } from '../tar-split/crc64.ts';
import { TarSplitWriter } from '../tar-split/tar-split-writer.ts';
import { entryName, TreeWriter } from './tree-writer.ts';

interface UnpackInput {
  readonly archive: ArchiveExtent;
  /** An empty file, open for writing. */
  readonly tarSplit: number;
}

interface UnpackOutput {
  readonly diffId: Digest;
  /** Bytes of all files, hard links counted once. */
  readonly size: number;
}

/** Unpacks a layer's archive below the root, writes its tar-split, and tells its digest and size. */
export const unpackLayerTask: ConfinedTask<UnpackInput, UnpackOutput> = {
  name: 'layers.unpackLayer',
  duration: 'long',
  run({ archive, tarSplit }) {
    const tree = new TreeWriter();
    const sums = new Map<number, string>();
    const diffId = pass(archive, tarSplit, (header, index, reader, split) => {
      const sum = writeEntry(header, reader, split, tree);
      if (sum !== undefined) sums.set(index, sum.toString('latin1'));
    });
    tree.finish();
    if (!tree.hasReplaced) return { diffId, size: tree.size };
    rewriteTarSplit(archive, tarSplit, sums);
    return { diffId, size: sizeOfTree('/', new Set()) };
  },
};

type EntryAction = (header: TarHeader, index: number, reader: TarReader, split: TarSplitWriter) => void;

/** Reads the whole archive once; `action` must read each entry's content. */
function pass(archive: ArchiveExtent, tarSplit: number, action: EntryAction): Digest {
  const source = new ArchiveSource(archive);
  try {
    const split = new TarSplitWriter(tarSplit);
    const reader = new TarReader(source, (bytes) => split.raw(bytes));
    for (let index = 0; ; index++) {
      const header = reader.next();
      if (header === undefined) break;
      action(header, index, reader, split);
    }
    reader.finish();
    split.finish();
    return source.digest();
  } finally {
    source.close();
  }
}

/** Unpacks one entry; returns the sum of its content if that can be taken from the tree again. */
function writeEntry(header: TarHeader, reader: TarReader, split: TarSplitWriter, tree: TreeWriter): Buffer | undefined {
  const keepsContent = mustKeepContent(header);
  if (keepsContent) split.file(header.name, 0, undefined);
  const crc = new Crc64();
  try {
    tree.write(header, (size, use) => {
      reader.contentPart(size, (piece) => {
        if (keepsContent) split.raw(piece);
        else crc.update(piece);
        use(piece);
      });
    });
    // What the tree has no use for.
    reader.content((piece) => (keepsContent ? split.raw(piece) : crc.update(piece)));
  } catch (error) {
    throw describeFailure(error, header);
  }
  if (keepsContent) return undefined;
  const sum = header.storedSize > 0 ? crc.digest() : undefined;
  split.file(header.name, header.storedSize, sum);
  return sum;
}

/** Content that cannot be read back by the entry's name goes into the tar-split itself: the stored parts of a sparse file. */
function mustKeepContent(header: TarHeader): boolean {
  return header.storedSize > 0 && (header.sparseParts !== undefined || header.type !== 'file');
}

/**
 * An archive that has the same file twice loses the first one's content when it is unpacked. Such contents (all that the
 * tree does not have under the entry's name) are kept in a tar-split that is written anew.
 */
function rewriteTarSplit(archive: ArchiveExtent, tarSplit: number, sums: ReadonlyMap<number, string>): void {
  ftruncateSync(tarSplit, 0);
  pass(archive, tarSplit, (header, index, reader, split) => {
    const sum = sums.get(index);
    if (sum !== undefined && sumOfFile(header) === sum) {
      split.file(header.name, header.storedSize, Buffer.from(sum, 'latin1'));
      reader.content(() => {});
    } else {
      split.file(header.name, 0, undefined);
      reader.content((piece) => split.raw(piece));
    }
  });
}

const READ_SIZE = 256 * 1024;

/** The sum of the file that an entry's name leads to now; undefined if there is no such file or it has another size. */
function sumOfFile(header: TarHeader): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(filePath(`/${pathInRoot(header.name)}`), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || status.size !== header.size) return undefined;
    const crc = new Crc64();
    const buffer = new Uint8Array(new ArrayBuffer(READ_SIZE));
    for (;;) {
      const size = readSync(descriptor, buffer, 0, buffer.length, null);
      if (size === 0) return crc.digest().toString('latin1');
      crc.update(buffer.subarray(0, size));
    }
  } finally {
    closeSync(descriptor);
  }
}

function sizeOfTree(folder: string, inodes: Set<number>): number {
  let total = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'latin1' })) {
    const path = `${folder === '/' ? '' : folder}/${entry.name}`;
    if (entry.isDirectory()) {
      total += sizeOfTree(path, inodes);
      continue;
    }
    const { ino, size, nlink } = lstatSync(filePath(path));
    if (nlink > 1 && inodes.has(ino)) continue;
    inodes.add(ino);
    total += size;
  }
  return total;
}

/** A failed file operation in the words that dockerd has for it: `write /usr/lib/x: no space left on device`. */
function describeFailure(error: unknown, header: TarHeader): unknown {
  if (error instanceof EngineError) return error;
  const code = errnoOf(error);
  if (error instanceof Error && code !== undefined && 'errno' in error && typeof error.errno === 'number') {
    const syscall = 'syscall' in error ? String(error.syscall) : 'unpack';
    const text = getSystemErrorMessage(-Math.abs(error.errno)) ?? code;
    return systemError(`${syscall} /${pathInRoot(entryName(header))}: ${text}`, { cause: error });
  }
  return systemError(`unpack ${entryName(header)}: ${messageOf(error)}`, { cause: error });
}
