import { type CString, checked, declare, lastErrno } from './libc.ts';
import { MOUNT_FLAGS, type MountOperation, type UnmountOperation } from './operations.ts';

const mountCall = declare<
  (source: CString, target: CString, type: CString, flags: number, data: CString | null) => number
>('int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)');
const umount2Call = declare<(target: CString, flags: number) => number>('int umount2(const char *target, int flags)');
const chdirCall = declare<(path: CString) => number>('int chdir(const char *path)');

// <sys/mount.h>
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

// <errno.h>
const ENOENT = 2;
const EINVAL = 22;

/** mount(2). With a working directory the calling thread must have file-system attributes of its own. */
export function mount(operation: MountOperation): undefined {
  const { source, target, type, data, workingDirectory } = operation;
  const flags = operation.flags.reduce((bits, flag) => bits | MOUNT_FLAGS[flag], 0);
  if (workingDirectory !== undefined) checked(chdirCall(workingDirectory), 'chdir', workingDirectory);
  try {
    checked(mountCall(source, target, type, flags, data ?? null), 'mount', target);
  } finally {
    if (workingDirectory !== undefined) chdirCall('/');
  }
}

/** umount2(2). EINVAL means "not a mount point". */
export function unmount({ target, detach, ignoreMissing }: UnmountOperation): undefined {
  const result = umount2Call(target, UMOUNT_NOFOLLOW | (detach === true ? MNT_DETACH : 0));
  if (result === -1 && ignoreMissing === true && [ENOENT, EINVAL].includes(lastErrno())) return;
  checked(result, 'umount', target);
}
