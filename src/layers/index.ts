import type { AnyConfinedTask } from '../linux/index.ts';
import { unpackLayerTask } from './extract/unpack-layer.task.ts';
import {
  beginLayerTask,
  commitLayerTask,
  createRwLayerTask,
  removeDirectoriesTask,
  warmUpTasks,
} from './layer-folders.task.ts';
import { measureTask } from './measure.task.ts';
import { assembleTask } from './tar-split/assemble.task.ts';

export type { LayerArchive } from './archive/open-archive.ts';
export { type ArchiveEntry, readArchive } from './archive/read-archive.ts';
export type { TarEntryType } from './archive/tar-header.ts';
export type { GraphDriverData } from './graph-driver-data.ts';
export { type ChainId, chainIdOf, type DiffId } from './layer-database.ts';
export type { Layer } from './layer-store.ts';
export { type Layers, openLayers } from './open-layers.ts';
export type { RwLayer } from './rw-layers.ts';
export { WrongDiffId } from './wrong-diff-id.ts';

/** What the program's confined worker must be able to do for this folder. */
export const layerTasks: readonly AnyConfinedTask[] = [
  assembleTask,
  beginLayerTask,
  commitLayerTask,
  createRwLayerTask,
  measureTask,
  removeDirectoriesTask,
  unpackLayerTask,
  ...warmUpTasks,
];
