import { closeSync, constants, fstatSync, readFileSync, readlinkSync } from 'node:fs';
import { declare, lastErrno, SystemError } from './libc.ts';

/** `struct open_how` of openat2(2): three 64-bit words. */
const OPEN_HOW_BYTES = 24;

// Above 423, system call numbers are the same on every architecture.
const SYS_OPENAT2 = 437;

// <linux/openat2.h>
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_IN_ROOT = 0x10n;

// <asm-generic/fcntl.h>; Node does not name it.
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

// <errno.h>
const ENOENT = 2;
const ENOTDIR = 20;
const ELOOP = 40;

const openat2 = declare<(number: number, directory: number, path: string, how: Buffer, size: number) => number>(
  'long syscall(long number, long directory, const char *path, void *how, long size)',
);
const openCall = declare<(path: string, flags: number) => number>('int open(const char *path, int flags)');

/**
 * The real path of `path` inside the tree at `root`, with every symlink on the way resolved as if `root` were `/`
 * (openat2(2), RESOLVE_IN_ROOT; Linux 5.6). Undefined where nothing is there. The answer holds while nobody can change
 * the tree.
 */
export function resolveInRoot(root: string, path: string): string | undefined {
  const descriptor = openInRoot(root, path, O_PATH);
  if (descriptor === undefined) return undefined;
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The text of a regular file inside the tree at `root`, resolved as {@link resolveInRoot} does; undefined where there is
 * none. The tree may be hostile: throws a SystemError for a file larger than `limit` bytes (EFBIG), and for a pipe or device
 * (EINVAL), as whoever reads it next, the OCI runtime say, would wait for its end.
 */
export function readFileInRoot(root: string, path: string, limit: number): string | undefined {
  // Without O_NONBLOCK a hostile fifo would hold the engine for ever.
  const descriptor = openInRoot(root, path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (descriptor === undefined) return undefined;
  try {
    const status = fstatSync(descriptor);
    if (status.isDirectory()) return undefined;
    if (!status.isFile()) throw new SystemError('read', EINVAL, path);
    if (status.size > limit) throw new SystemError('read', EFBIG, path);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

const EINVAL = 22;
const EFBIG = 27;

function openInRoot(root: string, path: string, flags: number): number | undefined {
  const directory = openCall(root, O_PATH | constants.O_DIRECTORY | O_CLOEXEC);
  if (directory === -1) throw new SystemError('open', lastErrno(), root);
  try {
    const how = Buffer.alloc(OPEN_HOW_BYTES);
    how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
    how.writeBigUInt64LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);
    const descriptor = openat2(SYS_OPENAT2, directory, path, how, OPEN_HOW_BYTES);
    if (descriptor !== -1) return descriptor;
    const errno = lastErrno();
    if ([ENOENT, ENOTDIR, ELOOP].includes(errno)) return undefined;
    throw new SystemError('openat2', errno, path);
  } finally {
    closeSync(directory);
  }
}
