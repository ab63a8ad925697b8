import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { announceStep, invalidParameter, KeyedQueue, type Log, notFound } from '../base/index.ts';
import type { ConfinedThreads } from '../linux/index.ts';
import { type LayerArchive, type OpenArchive, openArchive } from './archive/open-archive.ts';
import { unpackLayerTask } from './extract/unpack-layer.task.ts';
import {
  type ChainId,
  chainIdOf,
  type DatabasePaths,
  type DiffId,
  type LayerRecord,
  layerFolder,
  readLayers,
  removingFolder,
  transactionFolder,
} from './layer-database.ts';
import { beginLayerTask, commitLayerTask, removeDirectoriesTask } from './layer-folders.task.ts';
import { directoryPaths, MAXIMUM_LOWER_LAYERS, newDirectoryId } from './overlay2/layout.ts';
import { assembleArchive } from './tar-split/assemble-archive.ts';
import { WrongDiffId } from './wrong-diff-id.ts';

/** A read-only layer. */
export interface Layer {
  readonly chainId: ChainId;
  readonly diffId: DiffId;
  readonly parent?: ChainId;
  /** Bytes of its files. */
  readonly size: number;
}

interface StoredLayer extends Layer {
  readonly record: LayerRecord;
  references: number;
}

/** The layers below a container or another layer, uppermost first. */
export interface LayerStack {
  readonly cacheIds: readonly string[];
  /** Short names, `l/XYZ`. */
  readonly links: readonly string[];
}

interface StoreOptions {
  /** The data root. */
  readonly root: string;
  readonly paths: DatabasePaths;
  readonly confined: ConfinedThreads;
  readonly log: Log;
}

/** The read-only layers: registering, reading back, counting references, removing. */
export class LayerStore {
  readonly #options: StoreOptions;
  readonly #layers: Map<ChainId, StoredLayer>;
  readonly #queue = new KeyedQueue();

  private constructor(options: StoreOptions, records: readonly LayerRecord[]) {
    this.#options = options;
    this.#layers = new Map(records.map((record) => [record.chainId, stored(record)]));
    for (const { parent } of records) {
      const below = parent === undefined ? undefined : this.#layers.get(parent);
      if (below !== undefined) below.references += 1;
    }
  }

  static async open(options: StoreOptions): Promise<LayerStore> {
    const records = await readLayers(options.paths, (chainId, reason) => {
      options.log.warn({ layer: chainId, reason }, 'a layer is damaged and left out');
    });
    return new LayerStore(options, records);
  }

  get(chainId: ChainId): Layer | undefined {
    return this.#layers.get(chainId);
  }

  acquire(chainId: ChainId): Layer {
    const layer = this.#require(chainId);
    layer.references += 1;
    return layer;
  }

  async release(chainId: ChainId): Promise<Layer[]> {
    const removed: Layer[] = [];
    for (let next: ChainId | undefined = chainId; next !== undefined; ) {
      const layer: StoredLayer | undefined = this.#layers.get(next);
      if (layer === undefined) break;
      layer.references -= 1;
      if (layer.references > 0 || !(await this.#removeUnused(layer))) break;
      removed.push(layer);
      next = layer.parent;
    }
    return removed;
  }

  /** Removes our own layers that nothing refers to: what a crash left between unpacking and using them. */
  async removeUnreferenced(): Promise<void> {
    for (const layer of [...this.#layers.values()]) {
      if (layer.references > 0 || !layer.record.isOurs || !this.#layers.has(layer.chainId)) continue;
      layer.references += 1;
      await this.release(layer.chainId);
    }
  }

  /** Ids of the overlay2 directories that committed layers have. */
  cacheIds(): ReadonlySet<string> {
    return new Set([...this.#layers.values()].map(({ record }) => record.cacheId));
  }

  stack(chainId: ChainId | undefined): LayerStack {
    const cacheIds: string[] = [];
    const links: string[] = [];
    for (let next = chainId; next !== undefined; ) {
      const { record }: StoredLayer = this.#require(next);
      cacheIds.push(record.cacheId);
      links.push(record.link);
      next = record.parent;
    }
    return { cacheIds, links };
  }

  async register(archive: LayerArchive, parent: ChainId | undefined, expected?: DiffId): Promise<Layer> {
    if (expected === undefined) return this.#unpack(archive, parent, undefined);
    const chainId = chainIdOf(parent, expected);
    return this.#queue.run(chainId, async () => {
      if (this.#layers.has(chainId)) return this.acquire(chainId);
      return this.#unpack(archive, parent, expected);
    });
  }

  tarStream(chainId: ChainId): Readable {
    const { record } = this.#require(chainId);
    this.acquire(chainId);
    const { confined, paths } = this.#options;
    const tree = directoryPaths(paths.overlay2, record.cacheId).tree;
    const archive = assembleArchive(confined, tree, join(layerFolder(paths, chainId), 'tar-split.json.gz'));
    const stream = Readable.from(archive, { objectMode: false });
    stream.once('close', () => {
      this.release(chainId).catch((error: unknown) => {
        this.#options.log.error({ layer: chainId, error }, 'a layer could not be removed');
      });
    });
    return stream;
  }

  #require(chainId: ChainId): StoredLayer {
    const layer = this.#layers.get(chainId);
    if (layer === undefined) throw notFound('layer does not exist', { detail: { chainId } });
    return layer;
  }

  async #unpack(archive: LayerArchive, parent: ChainId | undefined, expected: DiffId | undefined): Promise<Layer> {
    const { root, paths, confined } = this.#options;
    await using undo = new AsyncDisposableStack();
    if (parent !== undefined) {
      this.acquire(parent);
      undo.defer(async () => {
        await this.release(parent);
      });
    }
    const below = this.stack(parent);
    if (below.links.length > MAXIMUM_LOWER_LAYERS) throw invalidParameter('max depth exceeded');
    const cacheId = newDirectoryId();
    const transaction = transactionFolder(paths);
    const source = await openArchive(archive, paths.temporary);
    await using _ = source;
    const inRoot = (path: string) => path.slice(root.length);
    undo.defer(() => this.#removeDirectories([cacheId], [inRoot(transaction)]));
    announceStep('beginLayer', transaction);
    const [parentCacheId] = below.cacheIds;
    const { link } = await confined.run(root, beginLayerTask, {
      transaction: inRoot(transaction),
      cacheId,
      lower: below.links,
      ...(parentCacheId !== undefined && { parentCacheId }),
    });
    announceStep('unpackLayer', cacheId);
    const { diffId, size } = await this.#unpackInto(cacheId, transaction, source);
    if (expected !== undefined && diffId !== expected) {
      throw new WrongDiffId(expected, diffId);
    }
    const chainId = chainIdOf(parent, diffId);
    const commit = async () => {
      if (this.#layers.has(chainId)) return this.acquire(chainId);
      announceStep('commitLayer', chainId);
      await confined.run(root, commitLayerTask, {
        transaction: inRoot(transaction),
        folder: inRoot(layerFolder(paths, chainId)),
        diff: diffId,
        ...(parent !== undefined && { parent }),
        size,
      });
      const record = { chainId, diffId, ...(parent !== undefined && { parent }), size, cacheId, link, isOurs: true };
      const layer = stored(record);
      layer.references = 1;
      this.#layers.set(chainId, layer);
      // From here on the reference to the parent is the new layer's.
      undo.move();
      return layer;
    };
    // With an expected digest the caller is in the chain's queue already.
    return await (expected === undefined ? this.#queue.run(chainId, commit) : commit());
  }

  async #unpackInto(cacheId: string, transaction: string, archive: OpenArchive) {
    const { paths, confined } = this.#options;
    const tarSplit = await open(join(transaction, 'tar-split.json.gz'), 'wx', 0o644);
    try {
      const { file, offset, size } = archive;
      return await confined.run(directoryPaths(paths.overlay2, cacheId).tree, unpackLayerTask, {
        archive: { descriptor: file.fd, offset, ...(size !== undefined && { size }) },
        tarSplit: tarSplit.fd,
      });
    } finally {
      await tarSplit.close();
    }
  }

  /** Removes the layer unless somebody took a reference meanwhile; tells whether it did. */
  #removeUnused(layer: StoredLayer): Promise<boolean> {
    const { paths, root } = this.#options;
    return this.#queue.run(layer.chainId, async () => {
      if (layer.references > 0 || this.#layers.get(layer.chainId) !== layer) return false;
      this.#layers.delete(layer.chainId);
      const removing = removingFolder(paths, layer.chainId);
      announceStep('removeLayer', layer.chainId);
      await rename(layerFolder(paths, layer.chainId), removing);
      await this.#removeDirectories([layer.record.cacheId], [removing.slice(root.length)]);
      return true;
    });
  }

  async #removeDirectories(ids: readonly string[], records: readonly string[]): Promise<void> {
    announceStep('removeDirectories', ids.join());
    await this.#options.confined.run(this.#options.root, removeDirectoriesTask, { ids, records });
  }
}

function stored(record: LayerRecord): StoredLayer {
  const { chainId, diffId, parent, size } = record;
  return { chainId, diffId, ...(parent !== undefined && { parent }), size, record, references: 0 };
}
