/** Which names mean which images: Docker's `repositories.json`. */
import { dirname } from 'node:path';
import {
  type Digest,
  isDigest,
  KeyedQueue,
  type Log,
  messageOf,
  readJsonFile,
  removeTemporaryFiles,
  writeFileAtomic,
} from '../base/index.ts';
import {
  familiarName,
  familiarString,
  favourDigest,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../registry/index.ts';

interface RepositoriesFile {
  readonly Repositories?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A change of several names at once: all of it is on disk afterwards, or nothing. */
export interface ReferenceChange {
  readonly set?: readonly (readonly [reference: Reference, id: Digest])[];
  readonly delete?: readonly Reference[];
}

interface Entry {
  readonly reference: Reference;
  readonly id: Digest;
}

/** The names of a data root. Every change is on disk before it is seen. */
export class ReferenceStore {
  readonly #path: string;
  readonly #queue = new KeyedQueue();
  #entries: ReadonlyMap<string, Entry>;

  private constructor(path: string, entries: ReadonlyMap<string, Entry>) {
    this.#path = path;
    this.#entries = entries;
  }

  /** @param exists images that are there; names of others are forgotten */
  static async open(path: string, exists: (id: Digest) => boolean, log: Log): Promise<ReferenceStore> {
    await removeTemporaryFiles(dirname(path));
    const file = await readJsonFile<RepositoriesFile>(path);
    const entries = new Map<string, Entry>();
    let dropped = 0;
    for (const [name, id] of Object.values(file?.Repositories ?? {}).flatMap((names) => Object.entries(names))) {
      const reference = readName(name, log);
      if (reference !== undefined && isDigest(id) && exists(id)) entries.set(name, { reference, id });
      else dropped++;
    }
    const store = new ReferenceStore(path, entries);
    if (dropped > 0) await store.#write(entries);
    return store;
  }

  /** The image of a name; a name alone means its `latest`. */
  get(reference: Reference): Digest | undefined {
    return this.#entries.get(keyOf(reference))?.id;
  }

  /** All names of an image, in order. */
  of(id: Digest): Reference[] {
    return this.#sorted().flatMap((entry) => (entry.id === id ? [entry.reference] : []));
  }

  /** All names of a repository with the images they mean, in order. */
  inRepository(repository: Reference): Entry[] {
    const name = familiarName(repository);
    return this.#sorted().filter(({ reference }) => familiarName(reference) === name);
  }

  /** Applies a change; deletions first. */
  update(change: ReferenceChange): Promise<void> {
    return this.#queue.run(this.#path, async () => {
      const next = new Map(this.#entries);
      for (const reference of change.delete ?? []) next.delete(keyOf(reference));
      for (const [reference, id] of change.set ?? []) {
        const normal = favourDigest(withDefaultTag(reference));
        next.set(familiarString(normal), { reference: normal, id });
      }
      await this.#write(next);
      this.#entries = next;
    });
  }

  #sorted(): Entry[] {
    return [...this.#entries].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, entry]) => entry);
  }

  async #write(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const repositories: Record<string, Record<string, string>> = {};
    const sorted = [...entries].toSorted(([one], [other]) => (one < other ? -1 : 1));
    for (const [name, { reference, id }] of sorted) {
      const repository = familiarName(reference);
      repositories[repository] ??= {};
      repositories[repository][name] = id;
    }
    await writeFileAtomic(this.#path, JSON.stringify({ Repositories: repositories }));
  }
}

function keyOf(reference: Reference): string {
  return familiarString(favourDigest(withDefaultTag(reference)));
}

function readName(name: string, log: Log): Reference | undefined {
  try {
    return parseReference(name);
  } catch (error) {
    log.warn({ name, error: messageOf(error) }, 'an image name is damaged and left out');
    return undefined;
  }
}
