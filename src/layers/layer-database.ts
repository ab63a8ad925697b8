import { randomBytes } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestHex, digestOf, errnoOf, isDigest, messageOf } from '../base/index.ts';
import { directoryPaths, LINK_FOLDER } from './overlay2/layout.ts';

/** The sha256 of a layer's uncompressed archive. */
export type DiffId = Digest;

/** What names a layer together with all layers below it (OCI image-spec, config.md, "Layer ChainID"). */
export type ChainId = Digest;

/** The chain ID of the layer `diffId` on top of `parent`. */
export function chainIdOf(parent: ChainId | undefined, diffId: DiffId): ChainId {
  return parent === undefined ? diffId : digestOf(`${parent} ${diffId}`);
}

/** What layerdb says about one layer. */
export interface LayerRecord {
  readonly chainId: ChainId;
  readonly diffId: DiffId;
  readonly parent?: ChainId;
  readonly size: number;
  /** The directory's name in overlay2. */
  readonly cacheId: string;
  /** Its short name, `l/XYZ`. */
  readonly link: string;
  /** Made by this engine and not yet by another one: it may be removed when nothing refers to it. */
  readonly isOurs: boolean;
}

/** What layerdb says about a container's rw layer. */
export interface MountRecord {
  readonly containerId: string;
  readonly mountId: string;
  readonly initId: string;
  readonly parent?: ChainId;
}

/** dockerd ends the name of a layer's folder with this before it removes anything of it. */
const REMOVING_SUFFIX = '-removing';

/** The file that tells our layers from adopted ones; dockerd does not look at it. */
export const OURS_FILE = 'gantry.json';

/** Paths below the data root. All of them are also valid in a thread confined to the data root. */
export function databasePaths(root: string) {
  const database = join(root, 'image/overlay2/layerdb');
  return {
    overlay2: join(root, 'overlay2'),
    links: join(root, 'overlay2', LINK_FOLDER),
    database,
    layers: join(database, 'sha256'),
    mounts: join(database, 'mounts'),
    transactions: join(database, 'tmp'),
    temporary: join(root, 'tmp'),
  };
}

export type DatabasePaths = ReturnType<typeof databasePaths>;

/** The folder of a committed layer. */
export function layerFolder(paths: DatabasePaths, chainId: ChainId): string {
  return join(paths.layers, digestHex(chainId));
}

/** The name that a layer's folder has while the layer is removed. */
export function removingFolder(paths: DatabasePaths, chainId: ChainId): string {
  return `${layerFolder(paths, chainId)}-${randomBytes(32).toString('hex')}${REMOVING_SUFFIX}`;
}

/** A new folder for a layer in the making, named as dockerd names them. */
export function transactionFolder(paths: DatabasePaths): string {
  return join(paths.transactions, `write-set-${randomBytes(5).readUIntBE(0, 5)}`);
}

/** All committed layers. Damaged ones are left out and told to `onDamage`. */
export async function readLayers(
  paths: DatabasePaths,
  onDamage: (chainId: ChainId, reason: string) => void,
): Promise<readonly LayerRecord[]> {
  const names = await namesIn(paths.layers);
  const records = await Promise.all(
    names.map(async (name) => {
      const chainId = `sha256:${name}`;
      if (!isDigest(chainId)) return undefined;
      try {
        return await readLayer(paths, chainId);
      } catch (error) {
        onDamage(chainId, messageOf(error));
        return undefined;
      }
    }),
  );
  return records.filter((record) => record !== undefined);
}

async function readLayer(paths: DatabasePaths, chainId: ChainId): Promise<LayerRecord> {
  const folder = layerFolder(paths, chainId);
  const read = async (name: string) => (await readFile(join(folder, name), 'utf8')).trim();
  const [diffId, size, cacheId, parent, isOurs] = await Promise.all([
    read('diff'),
    read('size'),
    read('cache-id'),
    optional(read('parent')),
    exists(join(folder, OURS_FILE)),
  ]);
  if (!isDigest(diffId)) throw new Error(`invalid diff ID ${diffId}`);
  if (parent !== undefined && !isDigest(parent)) throw new Error(`invalid parent ${parent}`);
  if (!isDirectoryId(cacheId)) throw new Error(`invalid cache ID ${cacheId}`);
  const link = (await readFile(directoryPaths(paths.overlay2, cacheId).link, 'utf8')).trim();
  return {
    chainId,
    diffId,
    ...(parent !== undefined && { parent }),
    size: Number(size),
    cacheId,
    link: join(LINK_FOLDER, link),
    isOurs,
  };
}

/** All rw layers that layerdb knows, half-made ones included (their ids may be empty). */
export async function readMountRecords(paths: DatabasePaths): Promise<readonly MountRecord[]> {
  const names = await namesIn(paths.mounts);
  return Promise.all(
    names.map(async (containerId) => {
      const read = async (name: string) =>
        (await optional(readFile(join(paths.mounts, containerId, name), 'utf8')))?.trim() ?? '';
      const [mountId, initId, parent] = await Promise.all([read('mount-id'), read('init-id'), read('parent')]);
      return { containerId, mountId, initId, ...(isDigest(parent) && { parent }) };
    }),
  );
}

/** What a crash left half done: folders of layers in the making and of layers being removed, with their cache ids. */
export async function readLeftovers(
  paths: DatabasePaths,
): Promise<readonly { readonly folder: string; readonly cacheId: string | undefined }[]> {
  const making = (await namesIn(paths.transactions)).map((name) => join(paths.transactions, name));
  const removing = (await namesIn(paths.layers))
    .filter((name) => name.endsWith(REMOVING_SUFFIX))
    .map((name) => join(paths.layers, name));
  return Promise.all(
    [...making, ...removing].map(async (folder) => {
      const cacheId = (await optional(readFile(join(folder, 'cache-id'), 'utf8')))?.trim();
      return { folder, cacheId: cacheId !== undefined && isDirectoryId(cacheId) ? cacheId : undefined };
    }),
  );
}

/** True for a name that dockerd or we give to a directory of overlay2: never a path, never the folder of short names. */
export function isDirectoryId(name: string): boolean {
  return /^[a-z0-9]{2,128}(?:-init)?$/.test(name);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await optional(readdir(folder))) ?? [];
}

async function exists(path: string): Promise<boolean> {
  return (await optional(access(path).then(() => true))) ?? false;
}

async function optional<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
