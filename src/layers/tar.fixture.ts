import { BLOCK_SIZE, FIELDS } from './archive/tar-header.ts';

/** One entry of a test's archive; everything may be wrong. Strings are Latin-1. */
export interface TestEntry {
  readonly name: string;
  readonly flag?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly linkName?: string;
  readonly modified?: number;
  readonly data?: string | Buffer;
  /** Overrules the true size: octal text, or raw bytes. */
  readonly size?: string | Buffer;
  readonly device?: readonly [number, number];
  readonly pax?: Readonly<Record<string, string>>;
}

/** The bytes of an archive with these entries, ended as it should be. */
export function testArchive(entries: readonly TestEntry[]): Buffer {
  return Buffer.concat([...entries.map(entryBytes), Buffer.alloc(2 * BLOCK_SIZE)]);
}

function entryBytes(entry: TestEntry): Buffer {
  const data = typeof entry.data === 'string' ? Buffer.from(entry.data, 'latin1') : (entry.data ?? Buffer.alloc(0));
  const extended = entry.pax === undefined ? [] : [entryBytes({ name: 'pax', flag: 'x', data: paxData(entry.pax) })];
  return Buffer.concat([...extended, headerBlock(entry, data.length), padded(data)]);
}

/** The block of one header. */
export function headerBlock(entry: TestEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE);
  const put = (field: keyof typeof FIELDS, value: string | Buffer) =>
    Buffer.from(value as string, 'latin1').copy(block, FIELDS[field][0]);
  put('name', entry.name);
  put('mode', octal(entry.mode ?? 0o644, 7));
  put('uid', octal(entry.uid ?? 0, 7));
  put('gid', octal(entry.gid ?? 0, 7));
  put('size', entry.size ?? octal(size, 11));
  put('mtime', octal(entry.modified ?? 1_600_000_000, 11));
  put('flag', entry.flag ?? '0');
  put('linkName', entry.linkName ?? '');
  put('magic', 'ustar\x0000');
  put('major', octal(entry.device?.[0] ?? 0, 7));
  put('minor', octal(entry.device?.[1] ?? 0, 7));
  put('checksum', ' '.repeat(8));
  const sum = block.reduce((total, byte) => total + byte, 0);
  put('checksum', `${octal(sum, 6)}\0 `);
  return block;
}

function paxData(records: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      let length = rest.length;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return Buffer.from(`${length}${rest}`, 'latin1');
    }),
  );
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK_SIZE - (data.length % BLOCK_SIZE)) % BLOCK_SIZE)]);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
