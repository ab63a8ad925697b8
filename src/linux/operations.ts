import type { NetlinkOperation, NetlinkResults } from './netlink/operations.ts';

/** The mount(2) flags that the engine uses, by the names of mount(8)'s options. */
export const MOUNT_FLAGS = {
  readonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  sync: 0x10,
  remount: 0x20,
  dirsync: 0x80,
  nosymfollow: 0x100,
  noatime: 0x400,
  nodiratime: 0x800,
  bind: 0x1000,
  move: 0x2000,
  recursive: 0x4000,
  silent: 0x8000,
  unbindable: 0x20000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
  relatime: 0x200000,
  strictatime: 0x1000000,
} as const satisfies Record<string, number>;

export type MountFlag = keyof typeof MOUNT_FLAGS;

/** mount(2). `workingDirectory`: where relative paths in `data` start (overlay's lowerdir, whose length is limited). */
export interface MountOperation {
  readonly op: 'mount';
  readonly source: string;
  readonly target: string;
  /** The file system type; empty for bind mounts and propagation changes. */
  readonly type: string;
  readonly flags: readonly MountFlag[];
  readonly data?: string;
  readonly workingDirectory?: string;
}

/** umount2(2), never following a symlink at `target`. */
export interface UnmountOperation {
  readonly op: 'unmount';
  readonly target: string;
  /** Take it out of the tree now, even if busy. */
  readonly detach?: boolean;
  /** A target that is missing, or no mount point, is fine. */
  readonly ignoreMissing?: boolean;
}

/** Makes a network namespace with its loopback up, and pins it at `path`, which must not exist. */
export interface MakeNamespaceOperation {
  readonly op: 'makeNamespace';
  readonly kind: 'network';
  readonly path: string;
}

/** Unpins the namespace at `path` and removes the file; fine if either is missing. */
export interface RemoveNamespaceOperation {
  readonly op: 'removeNamespace';
  readonly path: string;
}

/** What one of a new process's descriptors is: /dev/null, one end of a stream socket pair, a file, or one of ours. */
export type SpawnDescriptor =
  | 'null'
  | 'socketpair'
  | { readonly path: string; readonly flags: 'read' | 'write' | 'append' }
  | { readonly descriptor: number };

/** posix_spawn(3): signals at their defaults, nothing inherited but `descriptors` (0, 1 and 2 are /dev/null unless given). */
export interface SpawnOperation {
  readonly op: 'spawn';
  /** A path; no search in PATH. */
  readonly file: string;
  /** Without argv[0], which is `file`. */
  readonly arguments: readonly string[];
  /** Exactly this environment; the engine's own without it. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly descriptors?: Readonly<Record<number, SpawnDescriptor>>;
  /** Make the process a session leader. */
  readonly newSession?: boolean;
  /** Wait for its exit, blocking the kernel thread: only for programs that daemonise at once. */
  readonly wait?: boolean;
}

/** How a process ended. */
export interface ExitStatus {
  /** The exit code; 128 + signal if a signal ended it, as shells have it. */
  readonly code: number;
  readonly signal?: number;
}

export interface Spawned {
  readonly pid: number;
  /** Our ends of the socket pairs, by the descriptor number in the process. The caller closes them. */
  readonly sockets: Readonly<Record<number, number>>;
  /** Present with `wait`. */
  readonly status?: ExitStatus;
}

/** pidfd_send_signal(2). With `startTime` only if the process started then, so that a reused pid is safe. */
export interface SignalOperation {
  readonly op: 'signal';
  readonly pid: number;
  /** In clock ticks since boot: `processStartTime`. */
  readonly startTime?: number;
  readonly signal: number;
}

/** Runs libnftables commands as one transaction. The result is libnftables' output (JSON for `list` with `json`). */
export interface NftablesOperation {
  readonly op: 'nftables';
  readonly commands: string;
  readonly json?: boolean;
  readonly namespace?: string;
}

/** Writes /proc/sys/<key>, the key in path form (`net/ipv4/ip_forward`). */
export interface SysctlOperation {
  readonly op: 'sysctl';
  readonly key: string;
  readonly value: string;
  /** A key that this kernel does not have is fine. */
  readonly ignoreMissing?: boolean;
  readonly namespace?: string;
}

/** A bound socket (tcp: listening only if `listen`); the descriptor belongs to the caller. */
export interface BindSocketOperation {
  readonly op: 'bindSocket';
  readonly namespace?: string;
  readonly type: 'udp' | 'tcp';
  /** IPv4 or IPv6 address. */
  readonly address: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  readonly listen?: boolean;
}

export interface BoundSocket {
  readonly descriptor: number;
  readonly port: number;
}

/** Closes descriptors; already closed ones are fine. */
export interface CloseOperation {
  readonly op: 'close';
  readonly descriptors: readonly number[];
}

export type KernelOperation =
  | MountOperation
  | UnmountOperation
  | MakeNamespaceOperation
  | RemoveNamespaceOperation
  | SpawnOperation
  | SignalOperation
  | NftablesOperation
  | SysctlOperation
  | BindSocketOperation
  | CloseOperation
  | NetlinkOperation;

/** What each operation gives back. */
export interface KernelResults extends NetlinkResults {
  mount: undefined;
  unmount: undefined;
  makeNamespace: undefined;
  removeNamespace: undefined;
  spawn: Spawned;
  /** False if there is no such process (any more). */
  signal: boolean;
  nftables: string;
  sysctl: undefined;
  bindSocket: BoundSocket;
  close: undefined;
}

export type KernelResult<T extends KernelOperation> = KernelResults[T['op']];
