import { type CString, checked, declare, lastErrno } from './libc.ts';

const setCall = declare<(path: CString, name: CString, value: Uint8Array, size: number, flags: number) => number>(
  'int lsetxattr(const char *path, const char *name, const uint8_t *value, size_t size, int flags)',
);
const getCall = declare<(path: CString, name: CString, value: Uint8Array, size: number) => number>(
  'int64_t lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)',
);
const listCall = declare<(path: CString, list: Uint8Array, size: number) => number>(
  'int64_t llistxattr(const char *path, _Out_ uint8_t *list, size_t size)',
);

// XATTR_SIZE_MAX and XATTR_LIST_MAX of <linux/limits.h>: nothing longer can exist.
const MAXIMUM_SIZE = 65536;

// <errno.h>
const ENODATA = 61;
const ENOTSUP = 95;

/** Sets an extended attribute of the file itself, not of what a symlink names. Throws SystemError. */
export function setXattr(path: CString, name: CString, value: Uint8Array): void {
  checked(setCall(path, name, value, value.byteLength, 0), 'lsetxattr', path.toString());
}

/** An extended attribute of the file itself; undefined if it has none of that name or its file system has none at all. */
export function getXattr(path: CString, name: CString): Buffer | undefined {
  const value = Buffer.allocUnsafe(MAXIMUM_SIZE);
  const size = getCall(path, name, value, value.length);
  if (size === -1 && [ENODATA, ENOTSUP].includes(lastErrno())) return undefined;
  return Buffer.from(value.subarray(0, checked(size, 'lgetxattr', path.toString())));
}

/** The names of the file's extended attributes; none if its file system has none. */
export function listXattrs(path: CString): string[] {
  const list = Buffer.allocUnsafe(MAXIMUM_SIZE);
  const size = listCall(path, list, list.length);
  if (size === -1 && lastErrno() === ENOTSUP) return [];
  const names = list.toString('utf8', 0, checked(size, 'llistxattr', path.toString()));
  return names.split('\0').filter((name) => name !== '');
}
