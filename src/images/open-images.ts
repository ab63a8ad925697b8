import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Clock, type Digest, isKind, KeyedQueue, type Log } from '../base/index.ts';
import type { ImageDeleteEntry, ImageHistoryEntry, ImageInspect, ImageSummary } from '../contract/docker/index.ts';
import type { Layers } from '../layers/index.ts';
import { hostPlatform, type Reference, type Registry } from '../registry/index.ts';
import type { ImageContext, ImageEvent } from './context.ts';
import { DistributionStore } from './distribution-store.ts';
import { imageHistory } from './history.ts';
import { type Image, ImageStore } from './image-store.ts';
import { type ImportRequest, importImage } from './import.ts';
import { inspectImage } from './inspect.ts';
import { type ListOptions, listImages } from './list.ts';
import { type LoadRequest, loadImages } from './load.ts';
import { Downloads } from './pull/downloads.ts';
import { type PullRequest, pullImage } from './pull/pull.ts';
import { ReferenceStore } from './reference-store.ts';
import { type RemoveOptions, removeImage } from './remove.ts';
import { resolveImage } from './resolve.ts';
import { saveImages } from './save.ts';
import { tagImage } from './tag.ts';
import { prepareTemporaryFolder } from './temporary.ts';

/** The images of a data root. Every error is in dockerd's words. */
export interface Images {
  /** The image of a name, digest, id or beginning of an id. Throws notFound `No such image: …`, invalidParameter. */
  resolve(name: string): Image;
  /** The same, undefined where there is none. */
  find(name: string): Image | undefined;
  list(options: ListOptions): ImageSummary[];
  inspect(name: string): ImageInspect;
  history(name: string): ImageHistoryEntry[];
  /** Throws; errors before the first message are the request's, later ones belong into the stream. */
  pull(request: PullRequest): Promise<void>;
  /** Throws; dockerd puts every error of a load into the stream. */
  load(request: LoadRequest): Promise<void>;
  /** Throws notFound at once; later errors are the stream's. */
  save(names: readonly string[]): Readable;
  /** Returns the new image's id. */
  import(request: ImportRequest): Promise<Digest>;
  /** @param target from `targetReference` */
  tag(source: string, target: Reference): Promise<void>;
  remove(name: string, options: RemoveOptions): Promise<ImageDeleteEntry[]>;
}

export interface ImagesOptions {
  /** The data root. */
  readonly root: string;
  readonly layers: Layers;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: (event: ImageEvent) => void;
  /** Layers that are downloaded at a time: daemon.json's `max-concurrent-downloads`. */
  readonly concurrentDownloads?: number;
  /** The engine's version, for images that it makes. */
  readonly version: string;
}

/** dockerd's default. */
const CONCURRENT_DOWNLOADS = 3;

/**
 * Opens the images of a data root, which may be Docker's: removes what a crash left half-made, and takes references to
 * the layers of what is there. `layers.recover` must not be called before.
 */
export async function openImages(options: ImagesOptions): Promise<Images> {
  const folder = join(options.root, 'image', 'overlay2');
  const temporaryFolder = join(options.root, 'tmp');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await prepareTemporaryFolder(temporaryFolder);
  const images = await ImageStore.open(join(folder, 'imagedb'), options.layers, options.log);
  const exists = (id: Digest) => images.get(id) !== undefined;
  const context: ImageContext = {
    images,
    references: await ReferenceStore.open(join(folder, 'repositories.json'), exists, options.log),
    distribution: new DistributionStore(join(folder, 'distribution')),
    downloads: new Downloads(temporaryFolder, options.concurrentDownloads ?? CONCURRENT_DOWNLOADS),
    layers: options.layers,
    registry: options.registry,
    platform: hostPlatform(),
    clock: options.clock,
    log: options.log,
    events: options.events,
    temporaryFolder,
    version: options.version,
    queue: new KeyedQueue(),
  };
  return {
    resolve: (name) => resolveImage(context, name),
    find(name) {
      try {
        return resolveImage(context, name);
      } catch (error) {
        if (isKind(error, 'notFound') || isKind(error, 'invalidParameter')) return undefined;
        throw error;
      }
    },
    list: (how) => listImages(context, how),
    inspect: (name) => inspectImage(context, resolveImage(context, name)),
    history: (name) => imageHistory(context, resolveImage(context, name)),
    pull: (request) => pullImage(context, request),
    load: (request) => loadImages(context, request),
    save: (names) => saveImages(context, names),
    import: (request) => importImage(context, request),
    tag: (source, target) => tagImage(context, source, target),
    remove: (name, how) => removeImage(context, name, how),
  };
}
