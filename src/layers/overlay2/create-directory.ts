import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { directoryPaths, LAYER_FOLDER_MODE, LINK_FOLDER, newLinkName, TREE_MODE, WORK_MODE } from './layout.ts';

const LINK_FILE_MODE = 0o644;
const COMMITTED_FILE_MODE = 0o600;

/**
 * Makes a directory of overlay2 (with its short name) on top of `lower`; returns `l/<its short name>`. Synchronous, for
 * confined threads.
 *
 * @param lower short names of the layers below, uppermost first
 */
export function createDirectory(overlay2: string, id: string, lower: readonly string[]): string {
  const paths = directoryPaths(overlay2, id);
  mkdirSync(paths.folder, LAYER_FOLDER_MODE);
  mkdirSync(paths.tree, TREE_MODE);
  const link = newLinkName();
  // The note before the name: whoever removes the directory finds its name by it.
  writeFileSync(paths.link, link, { mode: LINK_FILE_MODE });
  symlinkSync(`../${id}/diff`, `${overlay2}/${LINK_FOLDER}/${link}`);
  if (lower.length > 0) {
    mkdirSync(paths.work, WORK_MODE);
    writeFileSync(paths.lower, lower.join(':'), { mode: LINK_FILE_MODE });
  }
  return `${LINK_FOLDER}/${link}`;
}

/** Notes that other directories stand on this one: it is never written to again. */
export function markCommitted(overlay2: string, id: string): void {
  writeFileSync(directoryPaths(overlay2, id).committed, '', { mode: COMMITTED_FILE_MODE });
}
