/** Writing of tar archives: the ustar format of POSIX.1-2001 (`man 5 tar`), with pax records for what it cannot hold. */

/** Size of a header, and the unit to which contents are padded. */
export const TAR_BLOCK = 512;

/** Two zero blocks end an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * TAR_BLOCK);

/** The length of ustar's name and link name fields. */
const NAME_LENGTH = 100;

/** The largest number that fits the eleven octal digits of ustar's size and time fields. */
const LARGEST_OCTAL = 0o77777777777;

export interface TarEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of content that follow the header; zero unless a file. */
  readonly size?: number;
  /** The target of a symlink. */
  readonly target?: string;
  /** Seconds since 1970; fractions are dropped. */
  readonly modified?: number;
}

const TYPE_FLAGS = { file: '0', symlink: '2', directory: '5' } as const satisfies Record<TarEntry['type'], string>;

/** The header block (or blocks, if pax records are needed) of an entry owned by root. */
export function tarHeader(entry: TarEntry): Buffer {
  const path = entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path;
  const records: string[] = [];
  if (Buffer.byteLength(path) > NAME_LENGTH) records.push(paxRecord('path', path));
  if (Buffer.byteLength(entry.target ?? '') > NAME_LENGTH) records.push(paxRecord('linkpath', entry.target ?? ''));
  if ((entry.size ?? 0) > LARGEST_OCTAL) records.push(paxRecord('size', String(entry.size)));
  const header = plainHeader({ ...entry, path, flag: TYPE_FLAGS[entry.type] });
  if (records.length === 0) return header;
  const body = Buffer.from(records.join(''));
  const extension = plainHeader({ path: 'PaxHeaders/0', mode: 0o644, size: body.length, flag: 'x' });
  return Buffer.concat([extension, body, tarPadding(body.length), header]);
}

/** The zero bytes that follow a content of `size` bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK);
}

/** A whole entry whose content is in memory. */
export function tarFile(entry: Omit<TarEntry, 'size' | 'type'>, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([tarHeader({ ...entry, type: 'file', size: bytes.length }), bytes, tarPadding(bytes.length)]);
}

function plainHeader(entry: Omit<TarEntry, 'type'> & { flag: string }): Buffer {
  const header = Buffer.alloc(TAR_BLOCK);
  header.write(clip(entry.path), 0, NAME_LENGTH);
  header.write(octal(entry.mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(Math.min(entry.size ?? 0, LARGEST_OCTAL), 11), 124);
  header.write(octal(Math.max(0, Math.trunc(entry.modified ?? 0)), 11), 136);
  header.write(' '.repeat(8), 148);
  header.write(entry.flag, 156);
  header.write(clip(entry.target ?? ''), 157, NAME_LENGTH);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return header;
}

function clip(text: string): string {
  return Buffer.byteLength(text) <= NAME_LENGTH ? text : text.slice(0, NAME_LENGTH);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** A pax record: its own length in decimal, a space, `key=value`, a newline. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest;
  while (rest + String(length).length !== length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
