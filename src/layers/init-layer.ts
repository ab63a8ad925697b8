import { chownSync, closeSync, lstatSync, mkdirSync, openSync, type Stats, symlinkSync } from 'node:fs';
import { errnoOf } from '../base/index.ts';
import { getXattr, listXattrs, setXattr } from '../linux/index.ts';
import { OPAQUE_XATTR } from './extract/whiteouts.ts';

/**
 * What dockerd puts between an image and a container: mount points for what the engine mounts into every container, and
 * an empty file or a link where the image has something of its own (moby, daemon/initlayer).
 */
const INIT_ENTRIES: readonly (readonly [path: string, kind: 'directory' | 'file' | 'mtab'])[] = [
  ['dev/console', 'file'],
  ['dev/pts', 'directory'],
  ['dev/shm', 'directory'],
  ['etc/hostname', 'file'],
  ['etc/hosts', 'file'],
  ['etc/mtab', 'mtab'],
  ['etc/resolv.conf', 'file'],
  ['.dockerenv', 'file'],
  ['proc', 'directory'],
  ['sys', 'directory'],
];

const MTAB_TARGET = '/proc/mounts';
const MODE = 0o755;
const PERMISSION_BITS = 0o7777;
const OVERLAY_XATTRS = 'trusted.overlay.';

/** One thing to make, parents first. Directories that the image has are copied up: their metadata comes along. */
export type InitEntry = InitDirectory | { readonly kind: 'file' | 'mtab'; readonly path: string };

interface InitDirectory {
  readonly kind: 'directory';
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

/**
 * What an image's init layer consists of. Looks at the layers' trees from above, one path component at a time and never
 * through a symlink: what an image has there that is no directory is replaced, as dockerd does.
 *
 * @param trees the image's layers, uppermost first
 */
export function planInitLayer(trees: readonly string[]): readonly InitEntry[] {
  const entries: InitEntry[] = [];
  const directories = new Map<string, readonly string[]>([['', trees]]);
  for (const [path, kind] of INIT_ENTRIES) {
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, Math.max(slash, 0));
    if (!directories.has(parent)) {
      const found = lookUpDirectory(trees, parent);
      directories.set(parent, found);
      entries.push(copyOfDirectory(parent, found));
    }
    const existing = lookUpDirectory(directories.get(parent) ?? [], path.slice(slash + 1));
    if (existing.length > 0) continue;
    entries.push(kind === 'directory' ? copyOfDirectory(path, []) : { kind, path });
  }
  return entries;
}

/** Makes the planned entries in an empty tree. */
export function makeInitLayer(tree: string, entries: readonly InitEntry[]): void {
  for (const entry of entries) {
    const path = `${tree}/${entry.path}`;
    if (entry.kind === 'directory') makeDirectory(path, entry);
    else if (entry.kind === 'mtab') symlinkSync(MTAB_TARGET, path);
    else closeSync(openSync(path, 'wx', MODE));
  }
}

function makeDirectory(path: string, { mode, uid, gid, xattrs }: InitDirectory): void {
  mkdirSync(path, mode);
  if (uid !== 0 || gid !== 0) chownSync(path, uid, gid);
  for (const [name, value] of xattrs) setXattr(path, name, value);
}

function copyOfDirectory(path: string, found: readonly string[]): InitDirectory {
  const uppermost = found[0];
  if (uppermost === undefined) return { kind: 'directory', path, mode: MODE, uid: 0, gid: 0, xattrs: [] };
  const { mode, uid, gid } = lstatSync(uppermost);
  const xattrs = listXattrs(uppermost)
    .filter((name) => !name.startsWith(OVERLAY_XATTRS))
    .map((name) => [name, getXattr(uppermost, name) ?? Buffer.alloc(0)] as const);
  return { kind: 'directory', path, mode: mode & PERMISSION_BITS, uid, gid, xattrs };
}

/** The directories that overlayfs would merge as `name`, uppermost first; none if it is not there or no directory. */
function lookUpDirectory(folders: readonly string[], name: string): readonly string[] {
  const found: string[] = [];
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    const status = statusOf(path);
    if (status === undefined) continue;
    if (!status.isDirectory()) break;
    found.push(path);
    if (getXattr(path, OPAQUE_XATTR)?.toString() === 'y') break;
  }
  return found;
}

function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
