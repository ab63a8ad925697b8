import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Digest, digestHex, digestOf, notFound, parseTime, systemError } from '../base/index.ts';
import {
  familiarName,
  familiarString,
  fullString,
  isNameOnly,
  MEDIA_TYPES,
  parseAnyReference,
  type Reference,
} from '../registry/index.ts';
import { TAR_END, tarFile, tarHeader, tarPadding } from './archive/tar-writer.ts';
import { announce, type ImageContext } from './context.ts';
import { chainIds } from './image-config.ts';
import type { Image } from './image-store.ts';
import { imageNamed } from './resolve.ts';
import { temporaryPath } from './temporary.ts';

/** An image to be saved, with the names that are saved with it. */
interface SavedImage {
  readonly image: Image;
  readonly names: Reference[];
}

interface BlobDescriptor {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: Digest;
}

const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/** The names that mean what a layout is, and its version (OCI image-spec image-layout.md). */
const LAYOUT_DOCUMENT = '{"imageLayoutVersion": "1.0.0"}';

/**
 * An archive of the named images, in the form of Docker 25 and later: an OCI layout that is a docker-archive, too.
 * Throws notFound before the first byte; later errors are the stream's.
 *
 * @param names names, repositories (all their tags), digests or ids
 */
export function saveImages(context: ImageContext, names: readonly string[]): Readable {
  const images = chooseImages(context, names);
  for (const { image } of images) {
    if (image.chainId !== undefined) context.layers.acquire(image.chainId);
  }
  const stream = Readable.from(writeArchive(context, images), { objectMode: false });
  stream.once('close', () => {
    for (const { image } of images) {
      if (image.chainId === undefined) continue;
      context.layers.release(image.chainId).catch((error: unknown) => {
        context.log.error({ image: image.id, error }, 'a layer could not be removed');
      });
    }
  });
  return stream;
}

function chooseImages(context: ImageContext, names: readonly string[]): SavedImage[] {
  const chosen = new Map<Digest, SavedImage>();
  const add = (image: Image | undefined, text: string, reference?: Reference) => {
    if (image === undefined) throw notFound(`No such image: ${text}`);
    const entry = chosen.get(image.id) ?? { image, names: [] };
    chosen.set(image.id, entry);
    if (reference?.tag !== undefined && !entry.names.some((name) => fullString(name) === fullString(reference))) {
      entry.names.push(reference);
    }
  };
  for (const text of names) {
    const parsed = parseAnyReference(text);
    if ('id' in parsed) add(context.images.get(parsed.id), text);
    else if (isNameOnly(parsed)) {
      const tagged = context.references.inRepository(parsed).filter(({ reference }) => reference.tag !== undefined);
      if (tagged.length === 0) add(context.images.search(text), text);
      for (const { reference, id } of tagged) add(context.images.get(id), text, reference);
    } else add(imageNamed(context, parsed) ?? context.images.search(text), text, parsed);
  }
  return [...chosen.values()];
}

async function* writeArchive(context: ImageContext, images: readonly SavedImage[]): AsyncGenerator<Buffer> {
  yield tarHeader({ path: 'blobs/', type: 'directory', mode: FOLDER_MODE });
  yield tarHeader({ path: 'blobs/sha256/', type: 'directory', mode: FOLDER_MODE });
  const blobs = new Map<Digest, number>();
  const index: unknown[] = [];
  const manifests: unknown[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, names } of images) {
    const modified = Number((parseTime(image.created) ?? 0n) / 1_000_000_000n);
    const layers: BlobDescriptor[] = [];
    for (const [position, chainId] of chainIds(image.diffIds).entries()) {
      const digest = image.diffIds[position];
      if (digest === undefined) continue;
      const size = blobs.get(digest) ?? (yield* writeLayer(context, { chainId, digest, modified }));
      blobs.set(digest, size);
      layers.push({ mediaType: MEDIA_TYPES.ociLayer, digest, size });
    }
    const raw = await context.images.raw(image.id);
    const config = { mediaType: MEDIA_TYPES.ociConfig, digest: image.id, size: raw.length };
    const manifest = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers }),
    );
    const digest = digestOf(manifest);
    yield* writeBlob(blobs, raw, modified);
    yield* writeBlob(blobs, manifest, 0);
    const descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest, size: manifest.length };
    index.push(
      ...(names.length === 0 ? [descriptor] : names.map((name) => ({ ...descriptor, annotations: annotate(name) }))),
    );
    manifests.push(dockerManifest(image, names, layers));
    for (const name of names) noteRepository(repositories, name, image);
    announce(context, 'save', { id: image.id, name: image.id, image });
  }
  const layout = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: index };
  yield tarFile({ path: 'index.json', mode: FILE_MODE }, JSON.stringify(layout));
  yield tarFile({ path: 'manifest.json', mode: FILE_MODE }, JSON.stringify(manifests));
  yield tarFile({ path: 'oci-layout', mode: FILE_MODE }, LAYOUT_DOCUMENT);
  if (Object.keys(repositories).length > 0) {
    yield tarFile({ path: 'repositories', mode: FILE_MODE }, JSON.stringify(repositories));
  }
  yield TAR_END;
}

/** A tar header needs the size first, and a layer's size is known only once it is put together: it goes through a file. */
async function* writeLayer(
  context: ImageContext,
  layer: { chainId: Digest; digest: Digest; modified: number },
): AsyncGenerator<Buffer, number> {
  await using file = temporaryPath(context.temporaryFolder);
  const hash = createHash('sha256');
  let size = 0;
  const source = await context.layers.tarStream(layer.chainId);
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(file.path, { flags: 'wx', mode: 0o600 }),
  );
  if (`sha256:${hash.digest('hex')}` !== layer.digest) {
    throw systemError(`the files of layer ${layer.digest} were changed on disk: it cannot be saved`);
  }
  yield tarHeader({ path: blobPath(layer.digest), type: 'file', mode: FILE_MODE, size, modified: layer.modified });
  for await (const chunk of createReadStream(file.path)) yield chunk as Buffer;
  yield tarPadding(size);
  return size;
}

function* writeBlob(blobs: Map<Digest, number>, content: Buffer, modified: number): Generator<Buffer> {
  const digest = digestOf(content);
  if (blobs.has(digest)) return;
  blobs.set(digest, content.length);
  yield tarFile({ path: blobPath(digest), mode: FILE_MODE, modified }, content);
}

function blobPath(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

function annotate(name: Reference): Record<string, string> {
  return {
    'io.containerd.image.name': fullString(name),
    'org.opencontainers.image.ref.name': name.tag ?? '',
  };
}

function dockerManifest(image: Image, names: readonly Reference[], layers: readonly BlobDescriptor[]) {
  return {
    Config: blobPath(image.id),
    RepoTags: names.length === 0 ? null : names.map(familiarString),
    Layers: layers.map(({ digest }) => blobPath(digest)),
    ...(image.parent === undefined ? {} : { Parent: image.parent }),
    LayerSources: Object.fromEntries(layers.map((layer) => [layer.digest, layer])),
  };
}

function noteRepository(repositories: Record<string, Record<string, string>>, name: Reference, image: Image): void {
  const top = image.diffIds.at(-1);
  const repository = familiarName(name);
  repositories[repository] ??= {};
  if (top !== undefined && name.tag !== undefined) repositories[repository][name.tag] = digestHex(top);
}
