import { closeSync, openSync } from 'node:fs';
import { checked, declare, lastErrno } from './libc.ts';

const flock = declare<(descriptor: number, operation: number) => number>('int flock(int fd, int operation)');

// <sys/file.h>
const LOCK_EX = 2;
const LOCK_NB = 4;

// <errno.h>: somebody else has the lock.
const EWOULDBLOCK = 11;

/**
 * Takes the lock of a file (flock(2)), making the file if it is missing; false if another process holds it. The kernel
 * lets go of it when this process ends, however it ends.
 */
export function acquireLock(path: string): boolean {
  const descriptor = openSync(path, 'a', 0o600);
  if (flock(descriptor, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = lastErrno();
  closeSync(descriptor);
  if (errno === EWOULDBLOCK) return false;
  checked(-1, 'flock', path);
  return false;
}
