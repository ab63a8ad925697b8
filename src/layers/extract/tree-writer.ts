import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { errnoOf, invalidParameter } from '../../base/index.ts';
import { getXattr, makeNode, setDescriptorTimes, setFileTimes, setXattr } from '../../linux/index.ts';
import { type ByteString, climbsOut, displayName, filePath, libcPath, pathInRoot } from '../archive/byte-string.ts';
import type { TarHeader } from '../archive/tar-header.ts';
import { fileTimes } from './file-times.ts';
import { classifyName, OPAQUE_XATTR } from './whiteouts.ts';

/** Gives the content of one entry, piece by piece, in order. */
export type ContentReader = (size: number, use: (piece: Uint8Array) => void) => void;

const IMPLIED_DIRECTORY_MODE = 0o755;
// The kernel's own limit (path_resolution(7)).
const MAXIMUM_LINKS = 40;
const SPECIAL_BITS = 0o7000;
const SETGID = 0o2000;

// Attributes that would steer overlayfs itself; an archive has no business there.
const OVERLAY_XATTRS = 'trusted.overlay.';

/**
 * Writes a layer's entries below `/`, the way dockerd's overlay2 driver does: the thread must have chrooted into the
 * layer's directory, with an umask of 0.
 */
export class TreeWriter {
  /** True once something was replaced by a later entry of the same layer. */
  hasReplaced = false;
  /** The sizes of all files and symlinks that were made. */
  size = 0;
  // Paths that are known to be directories, by more than a symlink.
  readonly #directories = new Set<ByteString>(['']);
  readonly #directoryTimes: { path: ByteString; header: TarHeader }[] = [];
  // Owner and mode must be set even where they look right: the directory passes on its group or its ACL.
  #inheritsMetadata: boolean;

  constructor() {
    const { gid, mode } = lstatSync('/');
    this.#inheritsMetadata =
      gid !== 0 || (mode & SETGID) !== 0 || getXattr('/', 'system.posix_acl_default') !== undefined;
  }

  /** Makes one entry. `read` must be used for all of a file's stored content, whatever becomes of the entry. */
  write(header: TarHeader, read: ContentReader): void {
    const path = pathInRoot(header.name);
    // dockerd leaves the root's own metadata alone unless the archive calls it by its absolute name.
    if (header.type === 'globalHeader' || (path === '' && !header.name.startsWith('/'))) {
      read(header.storedSize, () => {});
      return;
    }
    refuseEscape(header);
    this.#makeParents(path);
    const name = classifyName(path);
    if (name.kind === 'opaque') this.#markOpaque(name.directory);
    else if (name.kind === 'whiteout') this.#makeWhiteout(name.target, header);
    else if (name.kind === 'auxiliary' && header.storedSize === 0) return;
    else this.#makeEntry(path, header, read);
  }

  /** Gives the directories their times, which writing into them has changed. */
  finish(): void {
    for (const { path, header } of this.#directoryTimes) {
      const { access, modification } = fileTimes(header);
      ignoring(['ENOENT', 'ENOTDIR'], () => setFileTimes(libcPath(`/${path}`), access, modification));
    }
  }

  #makeParents(path: ByteString, links = 0): void {
    const parent = parentOf(path);
    if (!this.#directories.has(parent)) this.#makeDirectory(parent, links);
  }

  /** Makes a directory that the archive only implies, unless it is there; through symlinks, as dockerd does. */
  #makeDirectory(path: ByteString, links: number): void {
    if (links > MAXIMUM_LINKS) throw invalidParameter(`too many levels of symbolic links: ${displayName(path)}`);
    this.#makeParents(path, links);
    const status = lstatSync(filePath(`/${path}`), { throwIfNoEntry: false });
    if (status?.isSymbolicLink()) {
      const target = readlinkSync(filePath(`/${path}`), 'latin1');
      this.#makeDirectory(pathInRoot(target.startsWith('/') ? target : `${parentOf(path)}/${target}`), links + 1);
      return;
    }
    if (status === undefined) {
      mkdirSync(filePath(`/${path}`), IMPLIED_DIRECTORY_MODE);
      if (this.#inheritsMetadata) this.#setOwnerAndMode(path, { uid: 0, gid: 0, mode: IMPLIED_DIRECTORY_MODE }, true);
    }
    if (status?.isDirectory() !== false) this.#directories.add(path);
  }

  #markOpaque(directory: ByteString): void {
    setXattr(libcPath(`/${directory}`), OPAQUE_XATTR, Buffer.from('y'));
  }

  /** Hides what lower layers have at `target`; what this layer itself has there stays. */
  #makeWhiteout(target: ByteString, { uid, gid }: TarHeader): void {
    const path = libcPath(`/${target}`);
    try {
      makeNode(path, 'character', 0);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if (lstatSync(filePath(`/${target}`)).isDirectory()) this.#markOpaque(target);
      return;
    }
    if (uid !== 0 || gid !== 0) lchownSync(filePath(`/${target}`), uid, gid);
  }

  #makeEntry(path: ByteString, header: TarHeader, read: ContentReader): void {
    try {
      this.#create(path, header, read);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'EISDIR') throw error;
      const existing = lstatSync(filePath(`/${path}`));
      if (existing.isDirectory() && header.type === 'directory') {
        this.#describe(path, header, true);
        return;
      }
      if (path === '') throw invalidParameter('the archive replaces the root directory');
      rmSync(filePath(`/${path}`), { recursive: true, force: true });
      this.hasReplaced = true;
      this.#directories.clear();
      this.#directories.add('');
      this.#create(path, header, read);
      const wasWhiteout = existing.isCharacterDevice() && existing.rdev === 0;
      if (wasWhiteout && header.type === 'directory') this.#markOpaque(path);
    }
  }

  /** Throws EEXIST, before it has read any content, if something is there already. */
  #create(path: ByteString, header: TarHeader, read: ContentReader): void {
    const target = filePath(`/${path}`);
    switch (header.type) {
      case 'file':
        this.#createFile(path, header, read);
        return;
      case 'directory':
        mkdirSync(target, header.mode & ~SPECIAL_BITS);
        this.#directories.add(path);
        this.#describe(path, header, (header.mode & SPECIAL_BITS) !== 0);
        return;
      case 'symlink':
        symlinkSync(filePath(header.linkName), target);
        this.size += header.linkName.length;
        this.#describe(path, header, false);
        return;
      case 'hardlink':
        linkSync(filePath(`/${pathInRoot(header.linkName)}`), target);
        this.#describe(path, header, !lstatSync(target).isSymbolicLink());
        return;
      case 'character':
      case 'block':
        makeNode(libcPath(`/${path}`), header.type, header.mode, header.major, header.minor);
        this.#describe(path, header, (header.mode & SPECIAL_BITS) !== 0);
        return;
      case 'fifo':
        makeNode(libcPath(`/${path}`), 'fifo', header.mode);
        this.#describe(path, header, (header.mode & SPECIAL_BITS) !== 0);
        return;
      default:
        throw invalidParameter(`unhandled tar header type ${header.flag.charCodeAt(0)}`);
    }
  }

  #createFile(path: ByteString, header: TarHeader, read: ContentReader): void {
    const descriptor = openSync(filePath(`/${path}`), 'wx', header.mode & ~SPECIAL_BITS);
    try {
      writeContent(descriptor, header, read);
      const { uid, gid, mode } = header;
      if (uid !== 0 || gid !== 0 || this.#inheritsMetadata) fchownSync(descriptor, uid, gid);
      if ((mode & SPECIAL_BITS) !== 0 || this.#inheritsMetadata) fchmodSync(descriptor, mode);
      this.#setXattrs(path, header);
      const { access, modification } = fileTimes(header);
      setDescriptorTimes(descriptor, access, modification);
    } finally {
      closeSync(descriptor);
    }
    this.size += header.size;
  }

  /** Owner, mode, attributes and times of what is no new file; `withMode` if the mode still has to be set. */
  #describe(path: ByteString, header: TarHeader, withMode: boolean): void {
    this.#setOwnerAndMode(path, header, withMode || (this.#inheritsMetadata && header.type !== 'symlink'));
    this.#setXattrs(path, header);
    if (header.type === 'directory') {
      this.#directoryTimes.push({ path, header });
      if ((header.mode & SETGID) !== 0) this.#inheritsMetadata = true;
      return;
    }
    const { access, modification } = fileTimes(header);
    setFileTimes(libcPath(`/${path}`), access, modification);
  }

  #setOwnerAndMode(path: ByteString, { uid, gid, mode }: Pick<TarHeader, 'uid' | 'gid' | 'mode'>, withMode: boolean) {
    const target = filePath(`/${path}`);
    if (uid !== 0 || gid !== 0 || withMode || this.#inheritsMetadata) lchownSync(target, uid, gid);
    // After the owner: changing that drops setuid and setgid.
    if (withMode) chmodSync(target, mode);
  }

  #setXattrs(path: ByteString, header: TarHeader): void {
    for (const [name, value] of header.xattrs) {
      if (name.startsWith(OVERLAY_XATTRS)) continue;
      // As dockerd: an attribute that this kind of file cannot have is let go.
      ignoring(['EPERM'], () => setXattr(libcPath(`/${path}`), libcPath(name), value));
    }
  }
}

/** Names that climb out are of no use in a chroot, but no honest archive has them. The texts are dockerd's. */
function refuseEscape({ name, linkName, type }: TarHeader): void {
  if (climbsOut(name)) throw invalidParameter(`invalid entry name "${displayName(name)}"`);
  if (type === 'hardlink' && climbsOut(linkName)) {
    throw invalidParameter(`invalid hardlink target "${displayName(linkName)}"`);
  }
}

function writeContent(descriptor: number, header: TarHeader, read: ContentReader): void {
  if (header.sparseParts === undefined) {
    if (header.size > 0) read(header.size, (piece) => writeAll(descriptor, piece, null));
    return;
  }
  for (const { offset, size } of header.sparseParts) {
    let position = offset;
    read(size, (piece) => {
      writeAll(descriptor, piece, position);
      position += piece.length;
    });
  }
  ftruncateSync(descriptor, header.size);
}

function writeAll(descriptor: number, piece: Uint8Array, position: number | null): void {
  for (let done = 0; done < piece.length; ) {
    done += writeSync(descriptor, piece, done, piece.length - done, position === null ? null : position + done);
  }
}

function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

function ignoring(codes: readonly string[], action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!codes.includes(errnoOf(error) ?? '')) throw error;
  }
}

/** For messages: the name of an entry. */
export function entryName(header: TarHeader): string {
  return displayName(header.name);
}
