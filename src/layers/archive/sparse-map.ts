import type { PaxRecords } from './pax-records.ts';
import { headerTooLong, invalidHeader, unexpectedEnd } from './tar-errors.ts';
import { BLOCK_SIZE, field, type SparsePart, type TarHeader } from './tar-header.ts';
import { parseDecimal, parseNumber } from './tar-numbers.ts';

/** No honest extended header or sparse map is longer (the limit of Go's archive/tar). */
export const MAXIMUM_SPECIAL_SIZE = 1 << 20;

// Old GNU format: 4 parts in the header block, then 21 in each extension block, 24 bytes each.
const GNU_PART_SIZE = 24;
const GNU_EXTENSION_PARTS = 21;
const GNU_EXTENSION_FLAG = 504;

const NEWLINE = 0x0a;

/**
 * Completes the header of a sparse file with the map of its stored parts, reading more blocks where the format keeps the
 * map outside the headers (GNU tar manual, "Storing Sparse Files"). Other entries stay as they are.
 */
export function* readSparseMap(
  header: TarHeader,
  block: Uint8Array,
  records: PaxRecords,
): Generator<number, void, Uint8Array> {
  if (header.flag === 'S') {
    const parts = yield* readGnuMap(block);
    header.size = parseNumber(field(block, 'gnuRealSize'));
    header.sparseParts = checkedParts(parts, header);
    return;
  }
  const record = (key: string) => records.find(([name]) => name === `GNU.sparse.${key}`)?.[1];
  const isVersion1 = record('major') === '1' && record('minor') === '0';
  const realSize = record('realsize') ?? record('size');
  if (header.type !== 'file' || (!isVersion1 && record('map') === undefined && record('numblocks') === undefined)) {
    return;
  }
  header.name = record('name') ?? header.name;
  if (realSize !== undefined) header.size = parseDecimal(realSize);
  const parts = isVersion1 ? yield* readVersion1Map(header) : recordedParts(records, record('map'));
  header.sparseParts = checkedParts(parts, header);
}

function* readGnuMap(block: Uint8Array): Generator<number, SparsePart[], Uint8Array> {
  const parts = gnuParts(field(block, 'gnuSparse'));
  let more = field(block, 'gnuSparseExtended')[0] !== 0;
  let read = 0;
  while (more) {
    read += BLOCK_SIZE;
    if (read > MAXIMUM_SPECIAL_SIZE) throw headerTooLong();
    const extension = yield* readBlock();
    parts.push(...gnuParts(extension.subarray(0, GNU_EXTENSION_PARTS * GNU_PART_SIZE)));
    more = extension[GNU_EXTENSION_FLAG] !== 0;
  }
  return parts;
}

function gnuParts(table: Uint8Array): SparsePart[] {
  const parts: SparsePart[] = [];
  for (let start = 0; start < table.length && table[start] !== 0; start += GNU_PART_SIZE) {
    const middle = start + GNU_PART_SIZE / 2;
    parts.push({
      offset: parseNumber(table.subarray(start, middle)),
      size: parseNumber(table.subarray(middle, start + GNU_PART_SIZE)),
    });
  }
  return parts;
}

/** Versions 0.0 (repeated offset and numbytes records) and 0.1 (one list). */
function recordedParts(records: PaxRecords, map: string | undefined): SparsePart[] {
  const numbers =
    map === undefined
      ? records
          .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
          .map(([, value]) => parseDecimal(value))
      : map
          .split(',')
          .filter((text) => text !== '')
          .map(parseDecimal);
  return pairs(numbers);
}

/** Version 1.0: decimal lines in the first blocks of the content: how many parts, then offset and size of each. */
function* readVersion1Map(header: TarHeader): Generator<number, SparsePart[], Uint8Array> {
  const numbers: number[] = [];
  let line = '';
  let wanted = 1;
  for (let read = 0; numbers.length < wanted; read += BLOCK_SIZE) {
    if (read >= MAXIMUM_SPECIAL_SIZE) throw headerTooLong();
    if (header.storedSize < BLOCK_SIZE) throw invalidHeader('sparse map beyond the content');
    header.storedSize -= BLOCK_SIZE;
    for (const byte of yield* readBlock()) {
      if (byte !== NEWLINE) {
        line += String.fromCharCode(byte);
        continue;
      }
      numbers.push(parseDecimal(line));
      line = '';
      if (numbers.length === 1) wanted = 1 + 2 * (numbers[0] ?? 0);
      if (numbers.length === wanted) break;
    }
  }
  return pairs(numbers.slice(1));
}

function* readBlock(): Generator<number, Uint8Array, Uint8Array> {
  const block = yield BLOCK_SIZE;
  if (block.length < BLOCK_SIZE) throw unexpectedEnd();
  return block;
}

function pairs(numbers: readonly number[]): SparsePart[] {
  if (numbers.length % 2 !== 0) throw invalidHeader('odd sparse map');
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({
    offset: numbers[2 * index] ?? 0,
    size: numbers[2 * index + 1] ?? 0,
  }));
}

function checkedParts(parts: readonly SparsePart[], header: TarHeader): readonly SparsePart[] {
  let end = 0;
  let stored = 0;
  for (const { offset, size } of parts) {
    if (offset < end || size < 0) throw invalidHeader('sparse map not in order');
    end = offset + size;
    stored += size;
  }
  if (header.size < end || stored !== header.storedSize) throw invalidHeader('sparse map does not fit the content');
  return parts.filter(({ size }) => size > 0);
}
