/** What pulls have learned about layers: which compressed digest holds which layer. Docker's `distribution` folder. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestHex, errnoOf, isDigest, readJsonFile, writeFileAtomic } from '../base/index.ts';
import type { DiffId } from '../layers/index.ts';

interface Source {
  readonly Digest: string;
  readonly SourceRepository: string;
  readonly HMAC: string;
}

/** dockerd's modes for these files. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/** As many places as dockerd remembers for one layer. */
const MAXIMUM_SOURCES = 50;

export class DistributionStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The layer that a compressed blob holds, if it was pulled before. */
  async diffIdOf(blob: Digest): Promise<DiffId | undefined> {
    try {
      const text = (await readFile(this.#diffIdPath(blob), 'utf8')).trim();
      return isDigest(text) ? text : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Remembers that the blob of `repository` (`docker.io/library/busybox`) holds the layer. */
  async remember(blob: Digest, diffId: DiffId, repository: string): Promise<void> {
    const path = join(this.#folder, 'v2metadata-by-diffid', 'sha256', digestHex(diffId));
    const known = (await readJsonFile<Source[]>(path).catch(() => undefined)) ?? [];
    const source: Source = { Digest: blob, SourceRepository: repository, HMAC: '' };
    const others = known.filter(({ Digest, SourceRepository }) => Digest !== blob || SourceRepository !== repository);
    const sources = [...others, source].slice(-MAXIMUM_SOURCES);
    await Promise.all([
      write(this.#diffIdPath(blob), diffId),
      others.length === known.length ? write(path, JSON.stringify(sources)) : undefined,
    ]);
  }

  #diffIdPath(blob: Digest): string {
    return join(this.#folder, 'diffid-by-digest', 'sha256', digestHex(blob));
  }
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  await writeFileAtomic(path, content, FILE_MODE);
}
