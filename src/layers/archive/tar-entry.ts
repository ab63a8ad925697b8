import { byteString } from './byte-string.ts';
import { applyPaxRecords, type PaxRecords, parsePaxRecords } from './pax-records.ts';
import { MAXIMUM_SPECIAL_SIZE, readSparseMap } from './sparse-map.ts';
import { headerTooLong, invalidHeader, unexpectedEnd } from './tar-errors.ts';
import { BLOCK_SIZE, isZeroBlock, parseHeaderBlock, type TarHeader } from './tar-header.ts';

/**
 * Reads the headers of the next entry, up to where its content begins; undefined at the archive's end.
 *
 * A generator, so that one parser serves synchronous and asynchronous readers: it yields how many bytes it wants, and is
 * given that many, or fewer where the data ends. What it is given must stay unchanged until it asks for more.
 */
export function* readEntry(): Generator<number, TarHeader | undefined, Uint8Array> {
  let records: PaxRecords = [];
  let longName: string | undefined;
  let longLinkName: string | undefined;
  for (let special = 0; ; ) {
    const block = yield* readHeaderBlock();
    if (block === undefined) return undefined;
    const header = parseHeaderBlock(block);
    if (!['x', 'g', 'L', 'K'].includes(header.flag)) {
      return yield* completeEntry(header, Uint8Array.from(block), records, longName, longLinkName);
    }
    special += header.size;
    if (special > MAXIMUM_SPECIAL_SIZE) throw headerTooLong();
    const data = yield* readPadded(header.size);
    if (header.flag === 'g') {
      parsePaxRecords(data);
      return { ...header, size: 0, storedSize: 0 };
    }
    if (header.flag === 'x') records = parsePaxRecords(data);
    else if (header.flag === 'L') longName = upToZero(data);
    else longLinkName = upToZero(data);
  }
}

/** The bytes after `size` bytes of content that fill its last block. */
export function paddingOf(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

/** A header block; undefined at the end: nothing more at all, or two blocks of zeros. */
function* readHeaderBlock(): Generator<number, Uint8Array | undefined, Uint8Array> {
  const block = yield BLOCK_SIZE;
  if (block.length === 0) return undefined;
  if (block.length < BLOCK_SIZE) throw unexpectedEnd();
  if (!isZeroBlock(block)) return block;
  const second = yield BLOCK_SIZE;
  if (second.length === 0) return undefined;
  if (second.length < BLOCK_SIZE) throw unexpectedEnd();
  if (!isZeroBlock(second)) throw invalidHeader('one block of zeros');
  return undefined;
}

function* readPadded(size: number): Generator<number, Uint8Array, Uint8Array> {
  const padded = size + paddingOf(size);
  if (padded === 0) return new Uint8Array();
  const data = yield padded;
  if (data.length < size) throw unexpectedEnd();
  return data.subarray(0, size);
}

function* completeEntry(
  header: TarHeader,
  block: Uint8Array,
  records: PaxRecords,
  longName: string | undefined,
  longLinkName: string | undefined,
): Generator<number, TarHeader, Uint8Array> {
  applyPaxRecords(header, records);
  if (longName !== undefined) header.name = longName;
  if (longLinkName !== undefined) header.linkName = longLinkName;
  // Archives from before ustar mark a directory by its name only.
  if (header.flag === '\0' && header.name.endsWith('/')) header.type = 'directory';
  if (header.type === 'file' || header.type === 'unknown') {
    yield* readSparseMap(header, block, records);
  } else {
    header.size = 0;
    header.storedSize = 0;
  }
  return header;
}

function upToZero(data: Uint8Array): string {
  const end = data.indexOf(0);
  return byteString(end === -1 ? data : data.subarray(0, end));
}
