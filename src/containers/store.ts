import { conflict, invalidParameter, notFound } from '../base/index.ts';
import type { Container } from './container.ts';

const NAME_PATTERN = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** The containers this engine knows, by id and by name: a cache of what is on disk. */
export class ContainerStore {
  readonly #byId = new Map<string, Container>();
  /** Reserved names, also those of containers still being created. */
  readonly #idOfName = new Map<string, string>();

  /** All containers, oldest first. */
  list(): Container[] {
    return [...this.#byId.values()];
  }

  /** The container with this id, name, or unique id prefix. Throws notFound or, for an ambiguous prefix, invalidParameter. */
  get(idOrName: string): Container {
    const found = this.find(idOrName);
    if (found) return found;
    throw notFound(`No such container: ${idOrName}`);
  }

  /** As {@link get}, but undefined where there is none. */
  find(idOrName: string): Container | undefined {
    const name = idOrName.replace(/^\//, '');
    const exact = this.#byId.get(idOrName) ?? this.#byId.get(this.#idOfName.get(name) ?? '');
    if (exact || !/^[0-9a-f]+$/.test(idOrName)) return exact;
    const matches = this.list().filter((container) => container.id.startsWith(idOrName));
    if (matches.length > 1) throw invalidParameter(`multiple IDs found with provided prefix: ${idOrName}`);
    return matches[0];
  }

  /** Full ids of the containers that name a volume. */
  volumeUsers(volume: string): string[] {
    return this.list()
      .filter((container) => container.record.mounts.some((mount) => mount.name === volume))
      .map((container) => container.id);
  }

  /** Keeps `name` for the container `id`; throws if it is malformed or taken. */
  reserveName(name: string, id: string): void {
    requireValidName(name);
    const holder = this.#idOfName.get(name);
    if (holder !== undefined && holder !== id) {
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#idOfName.set(name, id);
  }

  /** True if nobody has that name. */
  isNameFree(name: string): boolean {
    return !this.#idOfName.has(name);
  }

  /** Gives a name free again, if `id` holds it. */
  releaseName(name: string, id: string): void {
    if (this.#idOfName.get(name) === id) this.#idOfName.delete(name);
  }

  /** Adds a container whose name is reserved. */
  add(container: Container): void {
    this.#byId.set(container.id, container);
  }

  /** Forgets a container and its name. */
  delete(container: Container): void {
    this.#byId.delete(container.id);
    this.releaseName(container.record.name, container.id);
  }
}

/** Throws invalidParameter for a malformed name; `shown` is how the client wrote it. */
export function requireValidName(name: string, shown = name): void {
  if (NAME_PATTERN.test(name)) return;
  throw invalidParameter(`Invalid container name (${shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}
