import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { announceStep, type Log, notFound } from '../base/index.ts';
import type { ConfinedThreads, Kernel } from '../linux/index.ts';
import { type LayerArchive, TEMPORARY_PREFIX } from './archive/open-archive.ts';
import { type GraphDriverData, graphDriverData } from './graph-driver-data.ts';
import { type ChainId, type DatabasePaths, type DiffId, databasePaths, readLeftovers } from './layer-database.ts';
import { removeDirectoriesTask, warmUpTasks } from './layer-folders.task.ts';
import { type Layer, LayerStore } from './layer-store.ts';
import { measureTask } from './measure.task.ts';
import { LAYER_FOLDER_MODE } from './overlay2/layout.ts';
import { type RwLayer, RwLayers } from './rw-layers.ts';

/** Image layers and containers' rw layers in Docker's overlay2 layout. */
export interface Layers {
  /**
   * Unpacks `archive` on top of `parent`. If the digest of the uncompressed archive is `expected` (when given) the layer
   * exists from then on, and the caller holds a reference to it; else invalidParameter, and nothing is left.
   */
  register(archive: LayerArchive, parent: ChainId | undefined, expected?: DiffId): Promise<Layer>;
  get(chainId: ChainId): Layer | undefined;
  /** Takes a reference. Throws notFound. */
  acquire(chainId: ChainId): Layer;
  /** Gives a reference back. Returns the layers that were removed because it was the last one, uppermost first. */
  release(chainId: ChainId): Promise<Layer[]>;
  /** The archive of a layer, uncompressed, bit by bit as it was registered. Fails if its files were changed. */
  tarStream(chainId: ChainId): Promise<Readable>;
  /** Makes a container's rw layer, with Docker's init layer, on top of an image; undefined: on top of nothing. */
  createRwLayer(containerId: string, image: ChainId | undefined): Promise<void>;
  rwLayer(containerId: string): RwLayer | undefined;
  /** Mounts the container's file system, if it is not mounted; returns where. */
  mountRw(containerId: string): Promise<string>;
  /** Where the container's file system is mounted; undefined if it is not. */
  mountedRoot(containerId: string): string | undefined;
  /** Fine if it is not mounted, or there is no such rw layer. */
  unmountRw(containerId: string): Promise<void>;
  /** Unmounts and removes. Fine if there is no such rw layer. */
  removeRwLayer(containerId: string): Promise<void>;
  /** Bytes that the container has written, and bytes of the image below. Throws notFound. */
  sizes(containerId: string): Promise<{ rw: number; image: number }>;
  /** `GraphDriver.Data` of `docker inspect` for a container. */
  graphDriverData(containerId: string): GraphDriverData;
  /** The same for an image, by its chain. */
  imageGraphDriverData(chainId: ChainId): GraphDriverData;
  /**
   * After a start, when the images have acquired their layers: removes half-made layers, layers of ours that nothing
   * refers to, and rw layers and mounts of other containers than these.
   */
  recover(known: { readonly containers: ReadonlySet<string> }): Promise<void>;
}

interface LayersOptions {
  /** The data root, absolute. */
  readonly root: string;
  readonly kernel: Kernel;
  readonly confined: ConfinedThreads;
  readonly log: Log;
}

const PRIVATE_MODE = 0o700;

/** Opens the layers of a data root, which may be Docker's. Makes the folders that are missing. */
export async function openLayers({ root: givenRoot, kernel, confined, log }: LayersOptions): Promise<Layers> {
  await mkdir(givenRoot, { recursive: true, mode: LAYER_FOLDER_MODE });
  // Mounts are known to the kernel by their real paths.
  const root = await realpath(givenRoot);
  const paths = databasePaths(root);
  await makeFolders(paths);
  for (const task of warmUpTasks) {
    confined.run(root, task, null).catch((error: unknown) => log.error({ error }, 'no confined thread'));
  }
  const layers = await LayerStore.open({ root, paths, confined, log });
  const rwLayers = await RwLayers.open({ root, paths, kernel, confined, layers, log });
  return {
    register: (archive, parent, expected) => layers.register(archive, parent, expected),
    get: (chainId) => layers.get(chainId),
    acquire: (chainId) => layers.acquire(chainId),
    release: (chainId) => layers.release(chainId),
    tarStream: async (chainId) => layers.tarStream(chainId),
    createRwLayer: (containerId, image) => rwLayers.create(containerId, image),
    rwLayer: (containerId) => rwLayers.get(containerId),
    mountRw: (containerId) => rwLayers.mount(containerId),
    mountedRoot: (containerId) => rwLayers.mountedRoot(containerId),
    unmountRw: (containerId) => rwLayers.unmount(containerId),
    removeRwLayer: (containerId) => rwLayers.remove(containerId),
    async sizes(containerId) {
      const layer = rwLayers.get(containerId);
      if (layer === undefined) throw notFound(`container ${containerId} has no rw layer`);
      const rw = await confined.run(layer.upper, measureTask, null);
      return { rw, image: chainOf(layers, layer.parent).reduce((total, { size }) => total + size, 0) };
    },
    graphDriverData(containerId) {
      const layer = rwLayers.get(containerId);
      if (layer === undefined) return {};
      const below = [layer.initId, ...layers.stack(layer.parent).cacheIds];
      return graphDriverData(paths.overlay2, layer.mountId, below, containerId);
    },
    imageGraphDriverData(chainId) {
      const [id = '', ...below] = layers.stack(chainId).cacheIds;
      return graphDriverData(paths.overlay2, id, below);
    },
    async recover({ containers }) {
      await rwLayers.recover(containers);
      await removeLeftovers({ root, paths, confined, layers });
      await layers.removeUnreferenced();
    },
  };
}

/** A layer and those below it. */
function chainOf(layers: LayerStore, uppermost: ChainId | undefined): Layer[] {
  const layer = uppermost === undefined ? undefined : layers.get(uppermost);
  return layer === undefined ? [] : [layer, ...chainOf(layers, layer.parent)];
}

/** dockerd's folders with dockerd's modes. */
async function makeFolders(paths: DatabasePaths): Promise<void> {
  await mkdir(paths.links, { recursive: true, mode: PRIVATE_MODE });
  await mkdir(paths.layers, { recursive: true, mode: PRIVATE_MODE });
  await mkdir(paths.mounts, { recursive: true, mode: PRIVATE_MODE });
  await mkdir(paths.transactions, { recursive: true, mode: PRIVATE_MODE });
  await mkdir(paths.temporary, { recursive: true, mode: PRIVATE_MODE });
}

async function removeLeftovers(options: {
  root: string;
  paths: DatabasePaths;
  confined: ConfinedThreads;
  layers: LayerStore;
}): Promise<void> {
  const { root, paths, confined, layers } = options;
  const inUse = layers.cacheIds();
  for (const { folder, cacheId } of await readLeftovers(paths)) {
    announceStep('removeLeftover', folder);
    const ids = cacheId === undefined || inUse.has(cacheId) ? [] : [cacheId];
    await confined.run(root, removeDirectoriesTask, { ids, records: [folder.slice(root.length)] });
  }
  const temporary = (await readdir(paths.temporary)).filter((name) => name.startsWith(TEMPORARY_PREFIX));
  await Promise.all(temporary.map((name) => rm(join(paths.temporary, name), { force: true })));
}
