import type { Readable } from 'node:stream';
import { type Digest, digestOf, isDigest, systemError } from '../base/index.ts';
import { type ChainId, type LayerArchive, WrongDiffId } from '../layers/index.ts';
import {
  choosePlatform,
  familiarString,
  MEDIA_TYPES,
  type Platform,
  parseManifest,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../registry/index.ts';
import { ArchiveFiles } from './archive/archive-files.ts';
import { announce, commitImage, exclusively, type ImageContext } from './context.ts';
import { chainIds, parseImageConfig, requireLinux } from './image-config.ts';
import { layerStatus, type OnProgress } from './progress.ts';
import { spool, temporaryPath } from './temporary.ts';

export interface LoadRequest {
  /** The archive: a docker-archive or an OCI layout, compressed or not. */
  readonly body: Readable;
  /** Leave out how layers get on. */
  readonly quiet?: boolean;
  /** Which image of an index to take; undefined: what this machine runs. */
  readonly platform?: Platform | undefined;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal | undefined;
}

/** One image of an archive, whichever form it was in. */
interface LoadableImage {
  readonly config: string;
  readonly names: readonly Reference[];
  readonly layers: readonly string[];
}

/** Brings the images of an archive. Throws dockerd's texts; images before a broken one stay. */
export async function loadImages(context: ImageContext, request: LoadRequest): Promise<void> {
  await using archive = await spool(context.temporaryFolder, request.body, request.signal);
  await using copies = temporaryPath(context.temporaryFolder);
  const files = await ArchiveFiles.open(archive.path, copies.path);
  for (const image of await listImages(files, request.platform ?? context.platform)) {
    await loadOne(context, request, files, image);
  }
}

async function listImages(files: ArchiveFiles, platform: Platform): Promise<LoadableImage[]> {
  if (files.has('manifest.json')) return parseDockerManifest(await files.readJson('manifest.json'));
  if (files.has('index.json')) return await listLayout(files, platform);
  files.locate('repositories');
  throw systemError('this archive is of a form that Docker stopped writing in 2016: it has no manifest.json');
}

function parseDockerManifest(document: unknown): LoadableImage[] {
  if (!Array.isArray(document)) throw systemError('json: cannot unmarshal manifest.json: it is no array');
  return document.map((entry: unknown) => {
    const { Config, RepoTags, Layers } = (entry ?? {}) as Record<string, unknown>;
    return {
      config: typeof Config === 'string' ? Config : '',
      names: texts(RepoTags).map((name) => withDefaultTag(parseReference(name))),
      layers: texts(Layers),
    };
  });
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The images of an OCI layout (OCI image-spec image-layout.md); of an index, the one for the platform. */
async function listLayout(files: ArchiveFiles, platform: Platform): Promise<LoadableImage[]> {
  const index = parseManifest(await files.read('index.json'), MEDIA_TYPES.ociIndex, 'index.json');
  if (index.kind !== 'index') throw systemError('index.json is no index');
  const images: LoadableImage[] = [];
  for (const { digest, mediaType, annotations = {} } of index.manifests) {
    const names = nameOf(annotations);
    let manifest = parseManifest(await readBlob(files, digest), mediaType, digest);
    if (manifest.kind === 'index') {
      const chosen = choosePlatform(platform, manifest.manifests);
      if (chosen === undefined) continue;
      manifest = parseManifest(await readBlob(files, chosen.digest), chosen.mediaType, chosen.digest);
    }
    if (manifest.kind === 'index') throw systemError('too many indexes inside each other');
    images.push({
      config: blobPath(manifest.config.digest),
      names,
      layers: manifest.layers.map((layer) => blobPath(layer.digest)),
    });
  }
  return images;
}

async function readBlob(files: ArchiveFiles, digest: Digest): Promise<Buffer> {
  const content = await files.read(blobPath(digest));
  if (digestOf(content) !== digest) throw systemError(`manifest verification failed for digest ${digest}`);
  return content;
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** containerd's annotation has the full name; the OCI one has it only if it has a slash or colon, else just the tag. */
function nameOf(annotations: Readonly<Record<string, string>>): Reference[] {
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'] ?? '';
  return /[/:]/.test(name) ? [withDefaultTag(parseReference(name))] : [];
}

async function loadOne(
  context: ImageContext,
  request: LoadRequest,
  files: ArchiveFiles,
  image: LoadableImage,
): Promise<void> {
  const raw = await files.read(image.config);
  const config = parseImageConfig(raw);
  requireLinux(config);
  if (config.diffIds.length !== image.layers.length) {
    throw systemError(
      `invalid manifest, layers length mismatch: expected ${image.layers.length}, got ${config.diffIds.length}`,
    );
  }
  const digestName = /sha256[:/]([0-9a-f]{64})$/.exec(image.config)?.[1];
  if (digestName !== undefined && isDigest(`sha256:${digestName}`) && config.id !== `sha256:${digestName}`) {
    throw systemError(`image config verification failed for digest sha256:${digestName}`);
  }
  await using work = new AsyncDisposableStack();
  let parent: ChainId | undefined;
  const chains = chainIds(config.diffIds);
  for (const [index, name] of image.layers.entries()) {
    const diffId = config.diffIds[index];
    const chainId = chains[index];
    if (diffId === undefined || chainId === undefined) break;
    request.signal?.throwIfAborted();
    if (context.layers.get(chainId) === undefined) {
      await registerLayer(context, request, { archive: files.locate(name), parent, diffId, index });
    } else context.layers.acquire(chainId);
    work.defer(async () => {
      await context.layers.release(chainId);
    });
    parent = chainId;
  }
  await nameImage(context, request, { raw, id: config.id, names: image.names });
}

async function registerLayer(
  context: ImageContext,
  request: LoadRequest,
  layer: { archive: Required<LayerArchive>; parent: ChainId | undefined; diffId: Digest; index: number },
): Promise<void> {
  const total = layer.archive.size;
  const tell = (current: number) => {
    if (!request.quiet) request.onProgress(layerStatus(layer.diffId, 'Loading layer', { current, total }));
  };
  tell(0);
  await context.layers.register(layer.archive, layer.parent, layer.diffId).catch((error: unknown) => {
    if (!(error instanceof WrongDiffId)) throw error;
    const { expected, actual } = error;
    throw systemError(`invalid diffID for layer ${layer.index}: expected "${expected}", got "${actual}"`);
  });
  tell(total);
}

async function nameImage(
  context: ImageContext,
  { onProgress }: LoadRequest,
  loaded: { raw: Buffer; id: Digest; names: readonly Reference[] },
): Promise<void> {
  const { raw, id, names } = loaded;
  const image = await exclusively(context, async () => {
    for (const name of names) {
      const before = context.references.get(name);
      if (before === undefined || before === id) continue;
      onProgress({
        stream: `The image ${familiarString(name)} already exists, renaming the old one with ID ${before} to empty string\n`,
      });
    }
    return await commitImage(context, raw, id, names);
  });
  for (const name of names) onProgress({ stream: `Loaded image: ${familiarString(name)}\n` });
  if (names.length === 0) onProgress({ stream: `Loaded image ID: ${id}\n` });
  announce(context, 'load', { id, name: id, image });
}
