import type { ByteString } from './byte-string.ts';
import { byteString, bytesOf } from './byte-string.ts';
import { invalidHeader } from './tar-errors.ts';
import type { TarHeader } from './tar-header.ts';
import { parseDecimal, parseTimeRecord } from './tar-numbers.ts';

/** The records of an extended header, in order: 0.0 sparse files repeat keys. */
export type PaxRecords = readonly (readonly [key: ByteString, value: ByteString])[];

const SCHILY_XATTR = 'SCHILY.xattr.';
const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.';

const NEWLINE = 0x0a;

/** Splits an extended header, `<length> <key>=<value>\n` each (pax(1)). Throws invalidHeader if it is malformed. */
export function parsePaxRecords(data: Uint8Array): PaxRecords {
  const records: (readonly [ByteString, ByteString])[] = [];
  for (let start = 0; start < data.length; ) {
    const space = data.indexOf(0x20, start);
    const length = Number(byteString(data.subarray(start, Math.max(start, space))));
    const end = start + length;
    if (!Number.isInteger(length) || end <= space + 1 || end > data.length || data[end - 1] !== NEWLINE) {
      throw invalidHeader('malformed extended header');
    }
    const record = byteString(data.subarray(space + 1, end - 1));
    const equals = record.indexOf('=');
    if (equals <= 0 || record.slice(0, equals).includes('\0')) throw invalidHeader('malformed extended header');
    records.push([record.slice(0, equals), record.slice(equals + 1)]);
    start = end;
  }
  return records;
}

/** Lets an extended header overrule what the header block says. Unknown keys and empty values are ignored. */
export function applyPaxRecords(header: TarHeader, records: PaxRecords): void {
  for (const [key, value] of records) {
    if (value === '') continue;
    if (key.startsWith(SCHILY_XATTR)) header.xattrs.set(key.slice(SCHILY_XATTR.length), bytesOf(value));
    else if (key.startsWith(LIBARCHIVE_XATTR)) applyLibarchiveXattr(header, key, value);
    else APPLY[key]?.(header, value);
  }
}

const APPLY: Readonly<Record<string, (header: TarHeader, value: ByteString) => void>> = {
  path: (header, value) => {
    header.name = withoutZero(value);
  },
  linkpath: (header, value) => {
    header.linkName = withoutZero(value);
  },
  uname: (header, value) => {
    header.userName = withoutZero(value);
  },
  gname: (header, value) => {
    header.groupName = withoutZero(value);
  },
  uid: (header, value) => {
    header.uid = parseDecimal(value);
  },
  gid: (header, value) => {
    header.gid = parseDecimal(value);
  },
  size: (header, value) => {
    header.size = parseDecimal(value);
    if (header.size < 0) throw invalidHeader('negative size');
    header.storedSize = header.size;
  },
  mtime: (header, value) => {
    header.modificationTime = parseTimeRecord(value);
  },
  atime: (header, value) => {
    header.accessTime = parseTimeRecord(value);
  },
};

function withoutZero(value: ByteString): ByteString {
  if (value.includes('\0')) throw invalidHeader('zero byte in a name');
  return value;
}

/** libarchive writes attributes twice; its own form has the name URL-encoded and the value in base64. */
function applyLibarchiveXattr(header: TarHeader, key: ByteString, value: ByteString): void {
  const name = key
    .slice(LIBARCHIVE_XATTR.length)
    .replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  if (!header.xattrs.has(name)) header.xattrs.set(name, Buffer.from(value, 'base64'));
}
