import type { FileTime } from '../../linux/index.ts';
import type { TarHeader } from '../archive/tar-header.ts';

const EPOCH: FileTime = { seconds: 0, nanoseconds: 0 };
// The last second that 64-bit nanoseconds since 1970 can express (in 2262): what dockerd takes for the end of time.
const LAST_SECOND = 9_223_372_036;

/** The times that an unpacked file gets. As dockerd has it: times out of range become 1970, reading is never before writing. */
export function fileTimes({ accessTime, modificationTime }: Pick<TarHeader, 'accessTime' | 'modificationTime'>) {
  const modification = bounded(modificationTime);
  const access = accessTime === undefined ? modification : later(bounded(accessTime), modification);
  return { access, modification };
}

function bounded(time: FileTime): FileTime {
  return time.seconds < 0 || time.seconds > LAST_SECOND ? EPOCH : time;
}

function later(a: FileTime, b: FileTime): FileTime {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds) ? a : b;
}
