import { access, mkdir, readFile, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { announceStep, conflict, errnoOf, KeyedQueue, type Log, notFound } from '../base/index.ts';
import { type ConfinedThreads, type Kernel, readMounts } from '../linux/index.ts';
import type { InitEntry } from './init-layer.ts';
import {
  type ChainId,
  type DatabasePaths,
  isDirectoryId,
  type MountRecord,
  readMountRecords,
} from './layer-database.ts';
import { createRwLayerTask, removeDirectoriesTask } from './layer-folders.task.ts';
import type { LayerStore } from './layer-store.ts';
import { directoryPaths, MERGED_MODE, newDirectoryId } from './overlay2/layout.ts';
import { overlayMount } from './overlay2/mount-options.ts';

/** The writable layer of a container. */
export interface RwLayer {
  readonly containerId: string;
  readonly mountId: string;
  readonly initId: string;
  /** The image's chain; undefined for a container from scratch. */
  readonly parent?: ChainId;
  /** overlay2/<mountId>. */
  readonly directory: string;
  /** Where the container's file system is while it is mounted. */
  readonly merged: string;
  /** What the container has written. */
  readonly upper: string;
  /** Short names (`l/XYZ`) of what it stands on, uppermost first. */
  readonly lower: readonly string[];
}

interface RwOptions {
  readonly root: string;
  readonly paths: DatabasePaths;
  readonly kernel: Kernel;
  readonly confined: ConfinedThreads;
  readonly layers: LayerStore;
  readonly log: Log;
}

// Present if overlayfs knows the option `index`, as moby's overlay2 driver finds out.
const INDEX_PARAMETER = '/sys/module/overlay/parameters/index';

/** The rw layers of all containers, and their mounts. */
export class RwLayers {
  readonly #options: RwOptions;
  readonly #layers = new Map<string, RwLayer>();
  readonly #broken: MountRecord[] = [];
  readonly #mounted: Set<string>;
  readonly #plans = new Map<ChainId | undefined, readonly InitEntry[]>();
  readonly #queue = new KeyedQueue();
  readonly #hasIndexOption: boolean;

  private constructor(options: RwOptions, hasIndexOption: boolean) {
    this.#options = options;
    this.#hasIndexOption = hasIndexOption;
    this.#mounted = new Set(mountedDirectories(options.paths));
  }

  /** Reads what is on disk; acquires the chains that the rw layers stand on. */
  static async open(options: RwOptions): Promise<RwLayers> {
    const hasIndexOption = await access(INDEX_PARAMETER).then(
      () => true,
      () => false,
    );
    const layers = new RwLayers(options, hasIndexOption);
    for (const record of await readMountRecords(options.paths)) await layers.#adopt(record);
    return layers;
  }

  get(containerId: string): RwLayer | undefined {
    return this.#layers.get(containerId);
  }

  mountedRoot(containerId: string): string | undefined {
    const layer = this.#layers.get(containerId);
    return layer !== undefined && this.#mounted.has(layer.mountId) ? layer.merged : undefined;
  }

  create(containerId: string, parent: ChainId | undefined): Promise<void> {
    return this.#queue.run(containerId, async () => {
      if (this.#layers.has(containerId)) throw conflict(`mount name already in use: ${containerId}`);
      const { layers, confined, root } = this.#options;
      await using undo = new AsyncDisposableStack();
      if (parent !== undefined) {
        layers.acquire(parent);
        undo.defer(async () => {
          await layers.release(parent);
        });
      }
      const { cacheIds, links } = layers.stack(parent);
      const mountId = newDirectoryId();
      const ids = { containerId, mountId, initId: `${mountId}-init` };
      undo.defer(() => this.#removeFolders(ids));
      announceStep('createRwLayer', containerId);
      const plan = this.#plans.get(parent);
      const created = await confined.run(root, createRwLayerTask, {
        ...ids,
        ...(parent !== undefined && { parent }),
        cacheIds,
        lower: links,
        ...(plan !== undefined && { plan }),
      });
      this.#plans.set(parent, created.plan);
      this.#add({ ...ids, ...(parent !== undefined && { parent }) }, created.lower);
      undo.move();
    });
  }

  mount(containerId: string): Promise<string> {
    return this.#queue.run(containerId, async () => {
      const layer = this.#require(containerId);
      if (this.#mounted.has(layer.mountId)) return layer.merged;
      const { kernel, paths } = this.#options;
      await mkdir(layer.merged, { mode: MERGED_MODE }).catch((error: unknown) => {
        if (errnoOf(error) !== 'EEXIST') throw error;
      });
      await kernel.run([
        overlayMount({
          overlay2: paths.overlay2,
          id: layer.mountId,
          lower: layer.lower,
          hasIndexOption: this.#hasIndexOption,
        }),
      ]);
      this.#mounted.add(layer.mountId);
      return layer.merged;
    });
  }

  unmount(containerId: string): Promise<void> {
    return this.#queue.run(containerId, async () => {
      const layer = this.#layers.get(containerId);
      if (layer !== undefined) await this.#unmountDirectory(layer.mountId);
    });
  }

  remove(containerId: string): Promise<void> {
    return this.#queue.run(containerId, async () => {
      const layer = this.#layers.get(containerId);
      if (layer === undefined) return;
      await this.#unmountDirectory(layer.mountId);
      announceStep('removeRwLayer', containerId);
      await this.#removeFolders(layer);
      this.#layers.delete(containerId);
      if (layer.parent !== undefined) await this.#options.layers.release(layer.parent);
    });
  }

  /** Unmounts and removes everything that belongs to no known container. */
  async recover(containers: ReadonlySet<string>): Promise<void> {
    const known = new Set(
      [...this.#layers.values()].filter((layer) => containers.has(layer.containerId)).map(mountIdOf),
    );
    for (const id of [...this.#mounted]) {
      if (!known.has(id)) await this.#unmountDirectory(id);
    }
    for (const record of this.#broken.splice(0)) {
      if (!containers.has(record.containerId)) await this.#removeFolders(record);
    }
    for (const containerId of [...this.#layers.keys()]) {
      if (!containers.has(containerId)) await this.remove(containerId);
    }
  }

  #require(containerId: string): RwLayer {
    const layer = this.#layers.get(containerId);
    if (layer === undefined) throw notFound(`rw layer of container ${containerId} does not exist`);
    return layer;
  }

  #add(record: MountRecord, lower: readonly string[]): void {
    const { folder, merged, tree } = directoryPaths(this.#options.paths.overlay2, record.mountId);
    this.#layers.set(record.containerId, { ...record, directory: folder, merged, upper: tree, lower });
  }

  async #adopt(record: MountRecord): Promise<void> {
    const { layers, log, paths } = this.#options;
    try {
      if (!isDirectoryId(record.mountId) || !isDirectoryId(record.initId)) throw new Error('its ids are missing');
      const lower = await readFile(directoryPaths(paths.overlay2, record.mountId).lower, 'utf8');
      if (record.parent !== undefined) layers.acquire(record.parent);
      this.#add(record, lower.trim().split(':'));
    } catch (error) {
      log.warn({ container: record.containerId, error }, 'an rw layer is damaged and left out');
      this.#broken.push(record);
    }
  }

  async #unmountDirectory(id: string): Promise<void> {
    const { kernel, paths } = this.#options;
    const { merged } = directoryPaths(paths.overlay2, id);
    if (this.#mounted.has(id)) {
      await kernel.run([{ op: 'unmount', target: merged, detach: true, ignoreMissing: true }]);
      this.#mounted.delete(id);
    }
    await rmdir(merged).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  }

  async #removeFolders({ containerId, mountId, initId }: Omit<MountRecord, 'parent'>): Promise<void> {
    const { confined, paths, root } = this.#options;
    const records = [join(paths.mounts, containerId).slice(root.length)];
    await confined.run(root, removeDirectoriesTask, { ids: [mountId, initId], records });
  }
}

/** The directories of overlay2 that are mounted now. */
function mountedDirectories(paths: DatabasePaths): string[] {
  return readMounts()
    .filter(({ mountPoint }) => basename(mountPoint) === 'merged' && dirname(dirname(mountPoint)) === paths.overlay2)
    .map(({ mountPoint }) => basename(dirname(mountPoint)));
}

function mountIdOf(layer: RwLayer): string {
  return layer.mountId;
}
