import { type CString, checked, declare } from './libc.ts';

const mknodCall = declare<(path: CString, mode: number, device: bigint) => number>(
  'int mknod(const char *path, unsigned int mode, uint64_t device)',
);
const utimensatCall = declare<(folder: number, path: CString, times: BigInt64Array, flags: number) => number>(
  'int utimensat(int folder, const char *path, const int64_t *times, int flags)',
);
const futimensCall = declare<(descriptor: number, times: BigInt64Array) => number>(
  'int futimens(int descriptor, const int64_t *times)',
);
const umaskCall = declare<(mask: number) => number>('unsigned int umask(unsigned int mask)');

// <fcntl.h>
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

/** The file types of <sys/stat.h> that mknod(2) can make. */
export const FILE_TYPES = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const;

/** A moment as the kernel takes it. */
export interface FileTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** mknod(2): a device, or a fifo (device numbers 0). `mode`: permission bits, subject to the thread's umask. */
export function makeNode(path: CString, type: keyof typeof FILE_TYPES, mode: number, major = 0, minor = 0): void {
  checked(mknodCall(path, FILE_TYPES[type] | mode, deviceNumber(major, minor)), 'mknod', path.toString());
}

/** glibc's makedev(3): 12 bits of major and 20 of minor, with room for 32 each. */
function deviceNumber(major: number, minor: number): bigint {
  const [wideMajor, wideMinor] = [BigInt(major >>> 0), BigInt(minor >>> 0)];
  return (
    ((wideMajor & 0xfffff000n) << 32n) |
    ((wideMajor & 0xfffn) << 8n) |
    ((wideMinor & 0xffffff00n) << 12n) |
    (wideMinor & 0xffn)
  );
}

/** utimensat(2) on the file itself, not on what a symlink names. Exact to the nanosecond, which `node:fs` is not. */
export function setFileTimes(path: CString, access: FileTime, modification: FileTime): void {
  checked(utimensatCall(AT_FDCWD, path, timespecs(access, modification), AT_SYMLINK_NOFOLLOW), 'utimensat', `${path}`);
}

/** futimens(3). */
export function setDescriptorTimes(descriptor: number, access: FileTime, modification: FileTime): void {
  checked(futimensCall(descriptor, timespecs(access, modification)), 'futimens');
}

function timespecs(access: FileTime, modification: FileTime): BigInt64Array {
  return BigInt64Array.of(
    BigInt(access.seconds),
    BigInt(access.nanoseconds),
    BigInt(modification.seconds),
    BigInt(modification.nanoseconds),
  );
}

/** umask(2): of the calling thread if it has file-system attributes of its own, else of the whole process. */
export function setUmask(mask: number): number {
  return umaskCall(mask);
}
