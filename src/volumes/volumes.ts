import { join } from 'node:path';
import {
  type Clock,
  conflict,
  errnoOf,
  invalidParameter,
  KeyedQueue,
  type Log,
  newId,
  notFound,
  systemError,
} from '../base/index.ts';
import type { Volume } from '../contract/docker/index.ts';
import { type Kernel, KernelError, MOUNT_FLAGS, readMounts } from '../linux/index.ts';
import { parseVolumeFilters, type VolumeFilters } from './filters.ts';
import { mountOperations, parseLocalOptions, resolveAddress } from './local-options.ts';
import { deleteVolume, prepareFolder, readVolumes, type StoredVolume, writeVolume } from './volume-store.ts';

export interface VolumeSpec {
  /** Left out or empty: an anonymous volume, whose name is 64 hex digits. */
  readonly name?: string;
  /** Only `local` is known. */
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>> | null;
  readonly labels?: Readonly<Record<string, string>> | null;
}

/** Something that happened to a volume, for `GET /events`. */
export interface VolumeEvent {
  readonly type: 'volume';
  readonly action: 'create' | 'destroy';
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Volumes {
  /** Makes a volume, or returns the one of that name as it is, whatever the options say (as dockerd). */
  create(spec: VolumeSpec): Promise<Volume>;
  /** Throws notFound `get <name>: no such volume`. */
  inspect(name: string): Volume;
  has(name: string): boolean;
  /** @param inUse whether a container names the volume, for the filter `dangling` */
  list(filters: VolumeFilters, inUse: (name: string) => boolean): Volume[];
  /** @param users ids of the containers that name the volume */
  remove(name: string, options: { force?: boolean; users: readonly string[] }): Promise<void>;
  /** The path of the volume's data, mounted if its options say so. `user` holds it until it releases it; idempotent. */
  use(name: string, user: string): Promise<string>;
  /** Lets go of the volume; the last user's going unmounts it. Idempotent. */
  release(name: string, user: string): Promise<void>;
  /** After an engine restart, when every running container has called `use` again: unmounts what nobody uses. */
  recover(): Promise<void>;
}

export interface VolumesOptions {
  /** The data root. */
  readonly root: string;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: (event: VolumeEvent) => void;
}

const DRIVER = 'local';

/** dockerd marks volumes that got their name from it, so that `prune` may take them. */
const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

/** Longer names do not fit a file name (NAME_MAX). */
const LONGEST_NAME = 255;

const NAME_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Opens the volumes of a data root. */
export async function openVolumes(options: VolumesOptions): Promise<Volumes> {
  const folder = join(options.root, 'volumes');
  await prepareFolder(folder);
  const stored = await readVolumes(folder, options.log);
  const mountPoints = new Set(readMounts().map(({ mountPoint }) => mountPoint));
  const mounted = stored.filter(({ mountpoint }) => mountPoints.has(mountpoint)).map(({ name }) => name);
  return new LocalVolumes(options, folder, stored, mounted);
}

class LocalVolumes implements Volumes {
  readonly #options: VolumesOptions;
  readonly #folder: string;
  readonly #volumes: Map<string, StoredVolume>;
  readonly #mounted: Set<string>;
  readonly #users = new Map<string, Set<string>>();
  readonly #queue = new KeyedQueue();

  constructor(options: VolumesOptions, folder: string, stored: readonly StoredVolume[], mounted: readonly string[]) {
    this.#options = options;
    this.#folder = folder;
    this.#volumes = new Map(stored.map((volume) => [volume.name, volume]));
    this.#mounted = new Set(mounted);
  }

  create(spec: VolumeSpec): Promise<Volume> {
    const anonymous = spec.name === undefined || spec.name === '';
    const name = anonymous ? newId() : (spec.name ?? '');
    checkName(name);
    checkDriver(name, spec.driver);
    return this.#queue.run(name, async () => {
      const existing = this.#volumes.get(name);
      if (existing !== undefined) return toWire(existing);
      const options = spec.options ?? null;
      const mount = parseLocalOptions(name, options);
      const labels = anonymous ? { ...spec.labels, [ANONYMOUS_LABEL]: '' } : (spec.labels ?? null);
      const volume = await writeVolume(this.#folder, { name, labels, options, mount }, this.#options.clock);
      this.#volumes.set(name, volume);
      this.#announce('create', name);
      return toWire(volume);
    });
  }

  inspect(name: string): Volume {
    return toWire(this.#require(name));
  }

  has(name: string): boolean {
    return this.#volumes.has(name);
  }

  list(filters: VolumeFilters, inUse: (name: string) => boolean): Volume[] {
    const matches = parseVolumeFilters(filters, inUse);
    return [...this.#volumes.values()]
      .map(toWire)
      .filter(matches)
      .toSorted((one, other) => (one.Name < other.Name ? -1 : 1));
  }

  async remove(name: string, { force = false, users }: { force?: boolean; users: readonly string[] }): Promise<void> {
    if (force && !this.#volumes.has(name)) return;
    this.#require(name);
    await this.#queue.run(name, async () => {
      this.#require(name);
      const holders = [...new Set([...users, ...(this.#users.get(name) ?? [])])];
      if (holders.length > 0) throw conflict(`remove ${name}: volume is in use - [${holders.join(', ')}]`);
      await this.#unmount(name);
      const inside = `${join(this.#folder, name)}/`;
      const busy = readMounts().find(({ mountPoint }) => mountPoint.startsWith(inside));
      if (busy !== undefined) throw systemError(`remove ${name}: ${busy.mountPoint} is a mount point`);
      await deleteVolume(this.#folder, name);
      this.#volumes.delete(name);
      this.#announce('destroy', name);
    });
  }

  use(name: string, user: string): Promise<string> {
    return this.#queue.run(name, async () => {
      const volume = this.#require(name);
      if (volume.mount !== undefined && !this.#mounted.has(name)) await this.#mount(volume);
      const users = this.#users.get(name) ?? new Set();
      this.#users.set(name, users.add(user));
      return volume.mountpoint;
    });
  }

  release(name: string, user: string): Promise<void> {
    return this.#queue.run(name, async () => {
      const users = this.#users.get(name);
      if (users?.delete(user) !== true || users.size > 0) return;
      this.#users.delete(name);
      await this.#unmount(name);
    });
  }

  async recover(): Promise<void> {
    const idle = [...this.#mounted].filter((name) => !this.#users.has(name));
    await Promise.all(idle.map((name) => this.#queue.run(name, () => this.#unmount(name))));
  }

  async #mount(volume: StoredVolume): Promise<void> {
    if (volume.mount === undefined) return;
    try {
      const options = await resolveAddress(volume.mount);
      await this.#options.kernel.run(mountOperations(options, volume.mountpoint));
    } catch (error) {
      await this.#options.kernel.run([{ op: 'unmount', target: volume.mountpoint, detach: true, ignoreMissing: true }]);
      throw systemError(mountErrorText(volume.mountpoint, error), { cause: error });
    }
    this.#mounted.add(volume.name);
  }

  async #unmount(name: string): Promise<void> {
    const volume = this.#volumes.get(name);
    if (volume === undefined || !this.#mounted.has(name) || this.#users.has(name)) return;
    await this.#options.kernel.run([{ op: 'unmount', target: volume.mountpoint, detach: true, ignoreMissing: true }]);
    this.#mounted.delete(name);
  }

  #require(name: string): StoredVolume {
    const volume = this.#volumes.get(name);
    if (volume === undefined) throw notFound(`get ${name}: no such volume`);
    return volume;
  }

  #announce(action: VolumeEvent['action'], id: string): void {
    this.#options.events({ type: 'volume', action, id, attributes: { driver: DRIVER } });
  }
}

function checkName(name: string): void {
  if (name.length === 1) {
    throw invalidParameter(
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  }
  if (NAME_PATTERN.test(name) && name.length <= LONGEST_NAME) return;
  throw invalidParameter(
    `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only ` +
      '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  );
}

function checkDriver(name: string, driver: string | undefined): void {
  if (driver === undefined || driver === '' || driver === DRIVER) return;
  throw notFound(
    `create ${name}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
  );
}

function toWire(volume: StoredVolume): Volume {
  return {
    CreatedAt: volume.createdAt,
    Driver: DRIVER,
    Labels: volume.labels === null ? null : { ...volume.labels },
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: volume.options === null ? null : { ...volume.options },
    Scope: 'local',
  };
}

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EINVAL: 'invalid argument',
  ENODEV: 'no such device',
  ENOTDIR: 'not a directory',
  EBUSY: 'device or resource busy',
};

function mountErrorText(mountpoint: string, error: unknown): string {
  const prefix = `error while mounting volume '${mountpoint}': failed to mount local volume`;
  const code = errnoOf(error) ?? '';
  const reason = ERRNO_TEXTS[code] ?? (error instanceof Error ? error.message : String(error));
  if (!(error instanceof KernelError) || error.operation.op !== 'mount') return `${prefix}: ${reason}`;
  const { source, target, flags, data } = error.operation;
  const bits = flags.reduce((sum, flag) => sum | MOUNT_FLAGS[flag], 0).toString(16);
  const suffix = data === undefined ? '' : `, data: ${data}`;
  return `${prefix}: mount ${source}:${target}, flags: 0x${bits}${suffix}: ${reason}`;
}
