import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ConfinedTask } from '../linux/index.ts';
import { type InitEntry, makeInitLayer, planInitLayer } from './init-layer.ts';
import { databasePaths, isDirectoryId, OURS_FILE } from './layer-database.ts';
import { createDirectory, markCommitted } from './overlay2/create-directory.ts';
import { directoryPaths, LINK_FOLDER } from './overlay2/layout.ts';

// These tasks work on the data root's own folders; they run confined to the data root, where paths begin with these.
const PATHS = databasePaths('/');
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o644;

interface BeginLayer {
  /** The folder of the layer in the making, below the data root. */
  readonly transaction: string;
  readonly cacheId: string;
  readonly lower: readonly string[];
  /** The directory below, which is never written to again. */
  readonly parentCacheId?: string;
}

/** Begins a layer: notes its directory's id, so that it can be removed after a crash, then makes the directory. */
export const beginLayerTask: ConfinedTask<BeginLayer, { link: string }> = {
  name: 'layers.beginLayer',
  duration: 'short',
  run({ transaction, cacheId, lower, parentCacheId }) {
    mkdirSync(transaction, FOLDER_MODE);
    writeFileSync(join(transaction, 'cache-id'), cacheId, { mode: FILE_MODE });
    if (parentCacheId !== undefined) commitOnce(parentCacheId);
    return { link: createDirectory(PATHS.overlay2, cacheId, lower) };
  },
};

interface CommitLayer {
  readonly transaction: string;
  /** The layer's final folder. */
  readonly folder: string;
  readonly diff: string;
  readonly parent?: string;
  readonly size: number;
}

/** Completes a layer's description and makes the layer exist: everything is on disk before the folder gets its name. */
export const commitLayerTask: ConfinedTask<CommitLayer, null> = {
  name: 'layers.commitLayer',
  duration: 'long',
  run({ transaction, folder, diff, parent, size }) {
    const files = { diff, ...(parent !== undefined && { parent }), size: `${size}`, [OURS_FILE]: '{}\n' };
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(transaction, name), content, { mode: FILE_MODE });
    }
    for (const name of [...Object.keys(files), 'cache-id', 'tar-split.json.gz', '.']) sync(join(transaction, name));
    renameSync(transaction, folder);
    sync(PATHS.layers);
    return null;
  },
};

interface CreateRwLayer {
  readonly containerId: string;
  readonly mountId: string;
  readonly initId: string;
  readonly parent?: string;
  /** The image's layers, uppermost first. */
  readonly cacheIds: readonly string[];
  /** Their short names. */
  readonly lower: readonly string[];
  /** The image's init layer, if it has been planned before. */
  readonly plan?: readonly InitEntry[];
}

interface CreatedRwLayer {
  readonly plan: readonly InitEntry[];
  /** Short names of what the rw layer stands on, uppermost first. */
  readonly lower: readonly string[];
}

/** Makes a container's rw layer with its init layer. Their ids are noted first, so that a crash leaves nothing unnamed. */
export const createRwLayerTask: ConfinedTask<CreateRwLayer, CreatedRwLayer> = {
  name: 'layers.createRwLayer',
  duration: 'short',
  run({ containerId, mountId, initId, parent, cacheIds, lower, plan }) {
    const record = join(PATHS.mounts, containerId);
    mkdirSync(record, FOLDER_MODE);
    writeFileSync(join(record, 'mount-id'), mountId, { mode: FILE_MODE });
    writeFileSync(join(record, 'init-id'), initId, { mode: FILE_MODE });
    if (parent !== undefined) writeFileSync(join(record, 'parent'), parent, { mode: FILE_MODE });
    const [top] = cacheIds;
    if (top !== undefined) commitOnce(top);
    const initLink = createDirectory(PATHS.overlay2, initId, lower);
    const entries = plan ?? planInitLayer(cacheIds.map((id) => directoryPaths(PATHS.overlay2, id).tree));
    makeInitLayer(directoryPaths(PATHS.overlay2, initId).tree, entries);
    markCommitted(PATHS.overlay2, initId);
    const rwLower = [initLink, ...lower];
    createDirectory(PATHS.overlay2, mountId, rwLower);
    return { plan: entries, lower: rwLower };
  },
};

interface RemoveDirectories {
  /** Directories of overlay2; missing ones are fine. */
  readonly ids: readonly string[];
  /** Folders below the data root that name them, removed at last. */
  readonly records: readonly string[];
}

/** Removes directories of overlay2 with their short names, then the folders that name them. */
export const removeDirectoriesTask: ConfinedTask<RemoveDirectories, null> = {
  name: 'layers.removeDirectories',
  duration: 'long',
  run({ ids, records }) {
    for (const id of ids) {
      if (isDirectoryId(id)) removeDirectory(id);
    }
    for (const record of records) rmSync(record, { recursive: true, force: true });
    return null;
  },
};

/** Starts the thread that other tasks will need soon. */
export const warmUpTasks: readonly ConfinedTask<null, null>[] = (['short', 'long'] as const).map((duration) => ({
  name: `layers.warmUp.${duration}`,
  duration,
  run: () => null,
}));

function removeDirectory(id: string): void {
  const paths = directoryPaths(PATHS.overlay2, id);
  if (!existsSync(paths.folder)) return;
  if (existsSync(paths.link)) {
    const link = readFileSync(paths.link, 'utf8').trim();
    if (/^[A-Z2-7]+$/.test(link)) rmSync(join(PATHS.overlay2, LINK_FOLDER, link), { force: true });
  }
  rmSync(paths.folder, { recursive: true, force: true });
}

function commitOnce(cacheId: string): void {
  if (!existsSync(directoryPaths(PATHS.overlay2, cacheId).committed)) markCommitted(PATHS.overlay2, cacheId);
}

function sync(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
