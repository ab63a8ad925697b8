import { closeSync, readFileSync } from 'node:fs';
import { errnoOf } from '../base/index.ts';
import { checked, declare } from './libc.ts';
import type { SignalOperation } from './operations.ts';

const syscallOpen = declare<(number: number, pid: number, flags: number) => number>(
  'long syscall(long number, long pid, long flags)',
);
const syscallSignal = declare<(number: number, fd: number, signal: number, info: null, flags: number) => number>(
  'long syscall(long number, long fd, long signal, void *info, long flags)',
);

// System call numbers above 423 are the same on every architecture (Linux 5.1 on).
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

// Fields of /proc/<pid>/stat after the command name, counted from 0 (proc(5): state is field 3, ppid 4, start time 22).
const STATE_FIELD = 0;
const PARENT_FIELD = 1;
const START_TIME_FIELD = 19;

/** What /proc/<pid>/stat says. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** `R`, `S`, `Z`, … */
  readonly state: string;
  /** Clock ticks since boot; with the pid it names a process for ever. */
  readonly startTime: number;
}

/** The process, or undefined if there is none. Reads procfs, which never blocks. */
export function readProcess(pid: number): ProcessInfo | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    // ESRCH: it ended between open and read.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
  return parseProcessStat(text);
}

/** Parses /proc/<pid>/stat; the command name may itself contain spaces and parentheses. */
export function parseProcessStat(text: string): ProcessInfo {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    pid: Number(text.slice(0, open - 1)),
    name: text.slice(open + 1, close),
    state: fields[STATE_FIELD] ?? '',
    parent: Number(fields[PARENT_FIELD]),
    startTime: Number(fields[START_TIME_FIELD]),
  };
}

/** Clock ticks since boot at which the process started; undefined if there is none, or only its zombie. */
export function processStartTime(pid: number): number | undefined {
  const info = readProcess(pid);
  return info === undefined || info.state === 'Z' ? undefined : info.startTime;
}

/** A pidfd (pidfd_open(2)), close-on-exec; undefined if there is no such process. The caller closes it. */
export function openPidfd(pid: number): number | undefined {
  try {
    return checked(syscallOpen(SYS_PIDFD_OPEN, pid, 0), 'pidfd_open', String(pid));
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** Sends a signal through a pidfd; false if the process is gone or is another one than meant. */
export function signal(operation: SignalOperation): boolean {
  const pidfd = openPidfd(operation.pid);
  if (pidfd === undefined) return false;
  try {
    const { startTime } = operation;
    if (startTime !== undefined && readProcess(operation.pid)?.startTime !== startTime) return false;
    checked(syscallSignal(SYS_PIDFD_SEND_SIGNAL, pidfd, operation.signal, null, 0), 'pidfd_send_signal');
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  } finally {
    closeSync(pidfd);
  }
}
