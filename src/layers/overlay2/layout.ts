import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

// dockerd's overlay2 driver: everything about one directory is in overlay2/<id>/, and overlay2/l/ holds short names for
// the layers' trees, which mount options are made of.

/** Length of a short name (moby, overlay2's idLength). */
const LINK_LENGTH = 26;

/** RFC 4648's base32 alphabet. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** overlayfs stacks no more lower layers than dockerd allows (moby, overlay2's maxDepth). */
export const MAXIMUM_LOWER_LAYERS = 128;

/** The folder of short names, relative to overlay2. */
export const LINK_FOLDER = 'l';

/** dockerd's permissions for a layer's folder: its own group may pass through. */
export const LAYER_FOLDER_MODE = 0o710;
export const TREE_MODE = 0o755;
export const WORK_MODE = 0o700;
export const MERGED_MODE = 0o700;

/** A new id for a directory of overlay2: 64 hex digits. */
export function newDirectoryId(): string {
  return randomBytes(32).toString('hex');
}

/** A new short name: 26 upper-case base32 characters. */
export function newLinkName(): string {
  return Array.from(randomBytes(LINK_LENGTH), (byte) => BASE32[byte % BASE32.length]).join('');
}

/** The paths of one directory of overlay2. */
export function directoryPaths(overlay2: string, id: string) {
  const folder = join(overlay2, id);
  return {
    folder,
    tree: join(folder, 'diff'),
    work: join(folder, 'work'),
    merged: join(folder, 'merged'),
    link: join(folder, 'link'),
    lower: join(folder, 'lower'),
    committed: join(folder, 'committed'),
  };
}
