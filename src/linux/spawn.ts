import { closeSync } from 'node:fs';
import { checked, declare, SystemError } from './libc.ts';
import type { ExitStatus, SpawnDescriptor, Spawned, SpawnOperation } from './operations.ts';

type Strings = readonly (string | null)[];
const posixSpawn = declare<
  (pid: Int32Array, path: string, actions: Buffer, attributes: Buffer, argv: Strings, envp: Strings) => number
>('int posix_spawn(int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **envp)');
const actionsInit = declare<(actions: Buffer) => number>('int posix_spawn_file_actions_init(void *actions)');
const actionsDestroy = declare<(actions: Buffer) => number>('int posix_spawn_file_actions_destroy(void *actions)');
const actionsAddDup2 = declare<(actions: Buffer, from: number, to: number) => number>(
  'int posix_spawn_file_actions_adddup2(void *actions, int from, int to)',
);
const actionsAddOpen = declare<(actions: Buffer, to: number, path: string, flags: number, mode: number) => number>(
  'int posix_spawn_file_actions_addopen(void *actions, int to, const char *path, int flags, unsigned int mode)',
);
const actionsAddClose = declare<(actions: Buffer, number: number) => number>(
  'int posix_spawn_file_actions_addclose(void *actions, int fd)',
);
const actionsAddClosefrom = declare<(actions: Buffer, first: number) => number>(
  'int posix_spawn_file_actions_addclosefrom_np(void *actions, int from)',
);
const actionsAddChdir = declare<(actions: Buffer, path: string) => number>(
  'int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)',
);
const attributesInit = declare<(attributes: Buffer) => number>('int posix_spawnattr_init(void *attributes)');
const attributesDestroy = declare<(attributes: Buffer) => number>('int posix_spawnattr_destroy(void *attributes)');
const attributesSetFlags = declare<(attributes: Buffer, flags: number) => number>(
  'int posix_spawnattr_setflags(void *attributes, short flags)',
);
const attributesSetSigdefault = declare<(attributes: Buffer, set: Buffer) => number>(
  'int posix_spawnattr_setsigdefault(void *attributes, const void *set)',
);
const attributesSetSigmask = declare<(attributes: Buffer, set: Buffer) => number>(
  'int posix_spawnattr_setsigmask(void *attributes, const void *set)',
);
const sigfillset = declare<(set: Buffer) => number>('int sigfillset(void *set)');
const socketpair = declare<(domain: number, type: number, protocol: number, pair: Int32Array) => number>(
  'int socketpair(int domain, int type, int protocol, int *pair)',
);
const fcntl = declare<(descriptor: number, command: number, argument: number) => number>(
  'int fcntl(int fd, int command, int argument)',
);
const waitpid = declare<(pid: number, status: Int32Array, options: number) => number>(
  'int waitpid(int pid, int *status, int options)',
);

// Sizes of glibc's opaque types on 64-bit machines are 336, 80 and 128 bytes; the buffers leave room.
const ATTRIBUTES_SIZE = 512;
const ACTIONS_SIZE = 128;
const SIGSET_SIZE = 128;

// <spawn.h>
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;

// <sys/socket.h>, <fcntl.h>, <sys/wait.h>
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;
const OPEN_FLAGS = { read: 0o0, write: 0o1 | 0o100, append: 0o1 | 0o100 | 0o2000 } as const;
const O_RDWR = 0o2;
const CREATED_FILE_MODE = 0o600;
const WNOHANG = 1;

const STANDARD_DESCRIPTORS: Readonly<Record<number, SpawnDescriptor>> = { 0: 'null', 1: 'null', 2: 'null' };

/**
 * posix_spawn(3) as {@link SpawnOperation} says. glibc leaves its two internal signals (32, 33) ignored in the child.
 * The parent's ends of socket pairs are close-on-exec.
 */
export function spawn(operation: SpawnOperation): Spawned {
  const descriptors = { ...STANDARD_DESCRIPTORS, ...operation.descriptors };
  const sockets: Record<number, number> = {};
  const temporary: number[] = [];
  const actions = Buffer.alloc(ACTIONS_SIZE);
  const attributes = Buffer.alloc(ATTRIBUTES_SIZE);
  succeeded(actionsInit(actions), operation);
  succeeded(attributesInit(attributes), operation);
  try {
    setAttributes(attributes, operation);
    if (operation.workingDirectory !== undefined) {
      succeeded(actionsAddChdir(actions, operation.workingDirectory), operation);
    }
    const firstFree = Math.max(...Object.keys(descriptors).map(Number)) + 1;
    for (const [key, descriptor] of Object.entries(descriptors)) {
      addDescriptor(actions, Number(key), descriptor, { sockets, temporary, firstFree });
    }
    closeOthers(actions, descriptors, firstFree);
    const pid = new Int32Array(1);
    const argv = [operation.file, ...operation.arguments, null];
    succeeded(posixSpawn(pid, operation.file, actions, attributes, argv, environmentOf(operation)), operation);
    return finish(pid[0] ?? 0, sockets, operation.wait === true);
  } catch (error) {
    for (const socket of Object.values(sockets)) closeSync(socket);
    throw error;
  } finally {
    for (const descriptor of temporary) closeSync(descriptor);
    actionsDestroy(actions);
    attributesDestroy(attributes);
  }
}

/** Reaps a child that has exited; undefined if it has not. Never waits. */
export function reap(pid: number): ExitStatus | undefined {
  const status = new Int32Array(1);
  return checked(waitpid(pid, status, WNOHANG), 'waitpid') === 0 ? undefined : decodeStatus(status[0] ?? 0);
}

function finish(pid: number, sockets: Record<number, number>, wait: boolean): Spawned {
  if (!wait) return { pid, sockets };
  const status = new Int32Array(1);
  checked(waitpid(pid, status, 0), 'waitpid');
  return { pid, sockets, status: decodeStatus(status[0] ?? 0) };
}

function setAttributes(attributes: Buffer, operation: SpawnOperation): void {
  const session = operation.newSession === true ? POSIX_SPAWN_SETSID : 0;
  succeeded(attributesSetFlags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | session), operation);
  const all = Buffer.alloc(SIGSET_SIZE);
  sigfillset(all);
  succeeded(attributesSetSigdefault(attributes, all), operation);
  succeeded(attributesSetSigmask(attributes, Buffer.alloc(SIGSET_SIZE)), operation);
}

interface Plumbing {
  readonly sockets: Record<number, number>;
  /** Descriptors to close once the child has its copies. */
  readonly temporary: number[];
  /** The lowest number that no descriptor of the child has: sources below it could be overwritten before their turn. */
  readonly firstFree: number;
}

function addDescriptor(actions: Buffer, number: number, descriptor: SpawnDescriptor, plumbing: Plumbing): void {
  if (descriptor === 'null') {
    actionsAddOpen(actions, number, '/dev/null', O_RDWR, 0);
  } else if (descriptor === 'socketpair') {
    const pair = new Int32Array(2);
    checked(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 'socketpair');
    const [ours = -1, theirs = -1] = pair;
    plumbing.sockets[number] = ours;
    plumbing.temporary.push(theirs);
    actionsAddDup2(actions, aboveAll(theirs, plumbing), number);
  } else if ('path' in descriptor) {
    actionsAddOpen(actions, number, descriptor.path, OPEN_FLAGS[descriptor.flags], CREATED_FILE_MODE);
  } else {
    actionsAddDup2(actions, aboveAll(descriptor.descriptor, plumbing), number);
  }
}

/** Whoever started the engine may have left it descriptors that are not close-on-exec. */
function closeOthers(actions: Buffer, descriptors: Readonly<Record<number, SpawnDescriptor>>, firstFree: number): void {
  for (let number = 0; number < firstFree; number += 1) {
    if (descriptors[number] === undefined) actionsAddClose(actions, number);
  }
  actionsAddClosefrom(actions, firstFree);
}

function aboveAll(source: number, { temporary, firstFree }: Plumbing): number {
  if (source >= firstFree) return source;
  const copy = checked(fcntl(source, F_DUPFD_CLOEXEC, firstFree), 'fcntl');
  temporary.push(copy);
  return copy;
}

function environmentOf({ environment }: SpawnOperation): Strings {
  return [...Object.entries(environment ?? process.env).map(([name, value]) => `${name}=${value ?? ''}`), null];
}

/** The posix_spawn family returns the errno itself. */
function succeeded(errno: number, { file }: SpawnOperation): void {
  if (errno !== 0) throw new SystemError('posix_spawn', errno, file);
}

/** wait(2)'s status word: the low seven bits are the signal, the next byte the exit code. */
function decodeStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { code: 128 + signal, signal };
}
