import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { systemError } from '../../base/index.ts';
import { type ByteString, byteString, byteStringOf } from '../archive/byte-string.ts';
import { FILE_TYPE, SEGMENT_TYPE } from './tar-split-writer.ts';

/** What to put next when an archive is put together again. */
export type TarSplitEntry =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'file'; readonly name: ByteString; readonly size: number; readonly sum: Buffer };

const NEWLINE = 0x0a;

/** Reads a `tar-split.json.gz`, a batch of entries at a time. Files without content are left out. */
export async function* readTarSplit(path: string): AsyncGenerator<readonly TarSplitEntry[]> {
  const file = createReadStream(path);
  const text = createGunzip();
  file.once('error', (error) => text.destroy(error));
  file.pipe(text);
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of text) {
      const data: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = data.lastIndexOf(NEWLINE) + 1;
      rest = data.subarray(end);
      if (end > 0) yield parseLines(data.toString('utf8', 0, end), path);
    }
    if (rest.length > 0) yield parseLines(rest.toString(), path);
  } finally {
    file.destroy();
    text.destroy();
  }
}

interface Line {
  readonly type: number;
  readonly name?: string;
  readonly name_raw?: string;
  readonly size?: number;
  readonly payload: string | null;
}

function parseLines(text: string, path: string): readonly TarSplitEntry[] {
  const entries: TarSplitEntry[] = [];
  for (const lineText of text.split('\n')) {
    if (lineText === '') continue;
    const line = JSON.parse(lineText) as Line;
    const payload = Buffer.from(line.payload ?? '', 'base64');
    if (line.type === SEGMENT_TYPE) entries.push({ kind: 'bytes', bytes: payload });
    else if (line.type !== FILE_TYPE) throw systemError(`${path}: unknown entry type ${line.type}`);
    else if ((line.size ?? 0) > 0) {
      entries.push({ kind: 'file', name: nameOf(line), size: line.size ?? 0, sum: payload });
    }
  }
  return entries;
}

function nameOf(line: Line): ByteString {
  return line.name_raw === undefined ? byteStringOf(line.name ?? '') : byteString(Buffer.from(line.name_raw, 'base64'));
}
