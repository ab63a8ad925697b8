import type { FileTime } from '../../linux/index.ts';
import type { ByteString } from './byte-string.ts';
import { byteString } from './byte-string.ts';
import { invalidHeader } from './tar-errors.ts';
import { parseNumber } from './tar-numbers.ts';

/** Everything in a tar archive is in blocks of this size (POSIX, pax(1), "ustar Interchange Format"). */
export const BLOCK_SIZE = 512;

export type TarEntryType =
  | 'file'
  | 'hardlink'
  | 'symlink'
  | 'character'
  | 'block'
  | 'directory'
  | 'fifo'
  | 'globalHeader'
  | 'unknown';

/** A part of a sparse file that is stored; everything between the parts is zeros. */
export interface SparsePart {
  readonly offset: number;
  readonly size: number;
}

/** One entry of a tar archive, with everything that extended headers say about it. */
export interface TarHeader {
  name: ByteString;
  linkName: ByteString;
  type: TarEntryType;
  /** The type flag as it is in the archive. */
  flag: string;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  userName: ByteString;
  groupName: ByteString;
  /** Bytes of the file; 0 for everything that has no content. */
  size: number;
  /** Bytes of content in the archive; differs from `size` for sparse files. */
  storedSize: number;
  modificationTime: FileTime;
  accessTime?: FileTime;
  major: number;
  minor: number;
  xattrs: Map<ByteString, Buffer>;
  /** Present for sparse files, in ascending order. */
  sparseParts?: readonly SparsePart[];
}

/** Where the fields of a header block are: [start, end). */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 108],
  uid: [108, 116],
  gid: [116, 124],
  size: [124, 136],
  mtime: [136, 148],
  checksum: [148, 156],
  flag: [156, 157],
  linkName: [157, 257],
  magic: [257, 265],
  userName: [265, 297],
  groupName: [297, 329],
  major: [329, 337],
  minor: [337, 345],
  prefix: [345, 500],
  starPrefix: [345, 476],
  starTrailer: [508, 512],
  gnuAccessTime: [345, 357],
  gnuSparse: [386, 482],
  gnuSparseExtended: [482, 483],
  gnuRealSize: [483, 495],
} as const satisfies Record<string, readonly [number, number]>;

export const USTAR_MAGIC = 'ustar\x0000';
const GNU_MAGIC = 'ustar  \0';
const STAR_TRAILER = 'tar\0';

const MODE_MASK = 0o7777;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
  g: 'globalHeader',
};

/** The bytes of one field. */
export function field(block: Uint8Array, name: keyof typeof FIELDS): Uint8Array {
  const [start, end] = FIELDS[name];
  return block.subarray(start, end);
}

/** A field's text up to its first zero byte. */
export function textField(block: Uint8Array, name: keyof typeof FIELDS): ByteString {
  const bytes = field(block, name);
  const end = bytes.indexOf(0);
  return byteString(end === -1 ? bytes : bytes.subarray(0, end));
}

/** True if a block is all zeros, as the two at an archive's end are. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** Reads a header block. Throws invalidHeader if its checksum or a number is wrong. */
export function parseHeaderBlock(block: Uint8Array): TarHeader {
  checkSum(block);
  const flag = byteString(field(block, 'flag'));
  const type = TYPES[flag] ?? 'unknown';
  const size = parseNumber(field(block, 'size'));
  if (size < 0) throw invalidHeader('negative size');
  const header: TarHeader = {
    name: textField(block, 'name'),
    linkName: textField(block, 'linkName'),
    type,
    flag,
    mode: parseNumber(field(block, 'mode')) & MODE_MASK,
    uid: parseNumber(field(block, 'uid')),
    gid: parseNumber(field(block, 'gid')),
    userName: '',
    groupName: '',
    size,
    storedSize: size,
    modificationTime: { seconds: parseNumber(field(block, 'mtime')), nanoseconds: 0 },
    major: 0,
    minor: 0,
    xattrs: new Map(),
  };
  applyMagic(header, block);
  return header;
}

function checkSum(block: Uint8Array): void {
  const [start, end] = FIELDS.checksum;
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < BLOCK_SIZE; index++) {
    const byte = index >= start && index < end ? 0x20 : (block[index] ?? 0);
    unsigned += byte;
    signed += (byte << 24) >> 24;
  }
  const expected = parseNumber(field(block, 'checksum'));
  if (expected !== unsigned && expected !== signed) throw invalidHeader('wrong checksum');
}

/** What the formats after the seventh edition's added: owners' names, devices, a prefix for long names, times. */
function applyMagic(header: TarHeader, block: Uint8Array): void {
  const magic = byteString(field(block, 'magic'));
  const isGnu = magic === GNU_MAGIC;
  if (!isGnu && !magic.startsWith('ustar')) return;
  header.userName = textField(block, 'userName');
  header.groupName = textField(block, 'groupName');
  if (header.type === 'character' || header.type === 'block') {
    header.major = parseNumber(field(block, 'major'));
    header.minor = parseNumber(field(block, 'minor'));
  }
  if (isGnu) {
    const accessTime = field(block, 'gnuAccessTime');
    if (accessTime[0] !== 0) header.accessTime = { seconds: parseNumber(accessTime), nanoseconds: 0 };
    return;
  }
  const isStar = byteString(field(block, 'starTrailer')) === STAR_TRAILER;
  const prefix = textField(block, isStar ? 'starPrefix' : 'prefix');
  if (prefix !== '') header.name = `${prefix}/${header.name}`;
}
