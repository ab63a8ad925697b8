/** The files of an image archive, by name: in place if the archive is not compressed, else copied out beside it. */
import { createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { invalidParameter, systemError } from '../../base/index.ts';
import { type ArchiveEntry, type LayerArchive, readArchive } from '../../layers/index.ts';

/** Links between files of an archive are followed so often. */
const MAXIMUM_LINKS = 8;

/** An archive with more files than this is no image archive. */
const MAXIMUM_FILES = 100_000;

/** Documents (manifests, configs) are read into memory up to this size. */
const LARGEST_DOCUMENT = 8 << 20;

type Entry = { readonly content: Required<LayerArchive> } | { readonly link: string };

export class ArchiveFiles {
  readonly #path: string;
  readonly #entries: ReadonlyMap<string, Entry>;

  private constructor(path: string, entries: ReadonlyMap<string, Entry>) {
    this.#path = path;
    this.#entries = entries;
  }

  /**
   * Lists an archive.
   *
   * @param folder an empty path for copies of compressed archives' files; the caller removes it
   */
  static async open(path: string, folder: string): Promise<ArchiveFiles> {
    const entries = new Map<string, Entry>();
    let copies = 0;
    for await (const entry of readArchive(path, dirname(path))) {
      if (entries.size >= MAXIMUM_FILES) throw invalidParameter('too many files in the archive');
      const name = nameInArchive(entry.name);
      if (entry.type === 'file') {
        const content =
          entry.offset === undefined
            ? await copyOut(entry, folder, copies++)
            : { path, offset: entry.offset, size: entry.size };
        entries.set(name, { content });
      } else if (entry.type === 'symlink') {
        entries.set(name, { link: nameInArchive(posix.join(posix.dirname(name), entry.linkName)) });
      } else if (entry.type === 'hardlink') entries.set(name, { link: nameInArchive(entry.linkName) });
    }
    return new ArchiveFiles(path, entries);
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Where the file is. Throws dockerd's text if it is missing. */
  locate(name: string): Required<LayerArchive> {
    const content = this.#find(name);
    if (content === undefined)
      throw systemError(`open ${join(`${this.#path}.d`, nameInArchive(name))}: no such file or directory`);
    return content;
  }

  /** A document of the archive. */
  async read(name: string): Promise<Buffer> {
    const { path, offset, size } = this.locate(name);
    if (size > LARGEST_DOCUMENT) throw invalidParameter(`${name} is larger than ${LARGEST_DOCUMENT} bytes`);
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(size);
    const { bytesRead } = await file.read(buffer, 0, size, offset);
    return buffer.subarray(0, bytesRead);
  }

  /** A JSON document. */
  async readJson(name: string): Promise<unknown> {
    const text = (await this.read(name)).toString('utf8');
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw systemError(jsonError(text), { cause: error });
    }
  }

  #find(name: string): Required<LayerArchive> | undefined {
    let entry = this.#entries.get(nameInArchive(name));
    for (let links = 0; entry !== undefined && links < MAXIMUM_LINKS; links++) {
      if ('content' in entry) return entry.content;
      entry = this.#entries.get(entry.link);
    }
    return undefined;
  }
}

/** Go's words for text that is no JSON: cut short, or wrong from the start. */
function jsonError(text: string): string {
  const first = text.trimStart()[0];
  if (first === undefined || '{["-0123456789tfn'.includes(first)) return 'unexpected EOF';
  return `invalid character '${first}' looking for beginning of value`;
}

/** `./a/../b` is `b`; what climbs out of the archive stays in it. Names are only compared, never opened. */
function nameInArchive(name: string): string {
  return posix.join('/', name).replace(/^\/|\/$/g, '');
}

async function copyOut(entry: ArchiveEntry, folder: string, number: number): Promise<Required<LayerArchive>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, String(number));
  await pipeline(Readable.from(entry.body), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  return { path, offset: 0, size: entry.size };
}
