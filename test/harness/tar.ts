/** One entry of a tar archive to be written. */
export interface TarEntry {
  /** Path without leading slash; written as it is, so hostile ones are possible. */
  readonly path: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';
  readonly content?: string | Buffer;
  /** Permission bits; default 0644 (directories 0755). */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
  /** Target of a symlink or hardlink. */
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Extended attributes, as PAX `SCHILY.xattr.` records. */
  readonly xattrs?: Readonly<Record<string, Buffer>>;
  /** Size claimed in the header where it differs from the content's: for hostile archives. */
  readonly claimedSize?: number;
}

/** Fixed, so that archives (and the digests of images made of them) are the same on every run: 2024-01-01T00:00:00Z. */
export const FIXED_TIME = 1_704_067_200;

const BLOCK = 512;
/** Type flags of POSIX.1-1988 `ustar`, and `x` for a PAX extended header (POSIX.1-2001). */
const TYPE_FLAGS = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
} as const satisfies Record<NonNullable<TarEntry['type']>, string>;
/** Longest name and link target of a `ustar` header without its prefix field. */
const NAME_LIMIT = 100;

/** Writes a tar archive, with PAX headers where a plain one cannot say it. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const records = paxRecords(entry);
    if (records.length > 0) {
      const content = Buffer.concat(records);
      blocks.push(header({ path: 'PaxHeader', mode: 0o644, content }, 'x'), padded(content));
    }
    const content = Buffer.from(entry.content ?? '');
    blocks.push(header(entry, TYPE_FLAGS[entry.type ?? 'file']), padded(content));
  }
  blocks.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(blocks);
}

function paxRecords(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  if (Buffer.byteLength(entry.path) > NAME_LIMIT) records.push(paxRecord('path', Buffer.from(entry.path)));
  if (entry.target !== undefined && Buffer.byteLength(entry.target) > NAME_LIMIT)
    records.push(paxRecord('linkpath', Buffer.from(entry.target)));
  for (const [name, value] of Object.entries(entry.xattrs ?? {}))
    records.push(paxRecord(`SCHILY.xattr.${name}`, value));
  return records;
}

/** `"<length> <key>=<value>\n"`, where the length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function header(entry: TarEntry, typeFlag: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const size = entry.claimedSize ?? Buffer.from(entry.content ?? '').length;
  block.write(entry.path.slice(0, NAME_LIMIT), 0);
  octal(block, 100, 8, entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644));
  octal(block, 108, 8, entry.uid ?? 0);
  octal(block, 116, 8, entry.gid ?? 0);
  octal(block, 124, 12, size);
  octal(block, 136, 12, entry.mtime ?? FIXED_TIME);
  block.fill(' ', 148, 156); // the checksum counts as spaces while it is computed
  block.write(typeFlag, 156);
  block.write((entry.target ?? '').slice(0, NAME_LIMIT), 157);
  block.write('ustar\u000000', 257);
  octal(block, 329, 8, entry.major ?? 0);
  octal(block, 337, 8, entry.minor ?? 0);
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function octal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset);
}

function padded(content: Buffer): Buffer {
  const missing = (BLOCK - (content.length % BLOCK)) % BLOCK;
  return Buffer.concat([content, Buffer.alloc(missing)]);
}

/** What reading an archive back gives for each entry: enough for the tests' comparisons. */
export interface ReadEntry {
  readonly path: string;
  readonly typeFlag: string;
  readonly content: Buffer;
}

/** Reads an archive whose names fit plain headers (as those of `save` and of an image archive do). */
export function readTar(archive: Buffer): ReadEntry[] {
  const entries: ReadEntry[] = [];
  for (let offset = 0; offset + BLOCK <= archive.length && archive[offset] !== 0; ) {
    const name = text(archive, offset, NAME_LIMIT);
    const prefix = text(archive, offset + 345, 155);
    const size = Number.parseInt(text(archive, offset + 124, 12).trim() || '0', 8);
    const content = archive.subarray(offset + BLOCK, offset + BLOCK + size);
    const path = prefix === '' ? name : `${prefix}/${name}`;
    entries.push({ path, typeFlag: String.fromCharCode(archive[offset + 156] ?? 0), content });
    offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

function text(archive: Buffer, offset: number, length: number): string {
  const field = archive.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? length : end).toString();
}
