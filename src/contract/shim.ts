/**
 * The protocol between the engine and gantry-shim, and the files in a shim's directory. native/shim/source/protocol.h
 * states the same numbers; native/shim/test/protocol.test.ts compares the two.
 *
 * A frame is `u8 type, u8 flags, u16 reserved (0), u32 length` and `length` bytes of payload, little endian throughout.
 * Numbers are only ever added: an engine must be able to adopt the shims of every earlier release.
 */
export const SHIM_PROTOCOL_VERSION = 1;

export const SHIM_HEADER_SIZE = 8;

/** The longest payload the shim takes in one frame; longer ones close the connection. */
export const SHIM_MAXIMUM_PAYLOAD = 64 * 1024;

/** Frames from a client to the shim. */
export const ShimRequest = {
  /** The first frame of every connection. `u32 version` */
  HELLO: 1,
  /** Run the process. Every connection gets STARTED or FAILED. */
  START: 2,
  /** Flags: {@link ShimStream}. Answered by ATTACHED, after which OUTPUT frames come. */
  ATTACH: 3,
  /** Bytes for the process. */
  STDIN: 4,
  /** This client has no more input. */
  CLOSE_STDIN: 5,
  /** `u16 rows, u16 columns` */
  RESIZE: 6,
  /** `u32 signal`. Answered by SIGNALLED. */
  SIGNAL: 7,
  /** Answered by STATE. */
  STATE: 8,
} as const;

/** Frames from the shim to a client. */
export const ShimReply = {
  /** `u32 version`, then the payload of STATE */
  HELLO: 64,
  /** `i32 pid` */
  STARTED: 65,
  /** `i32 status` of the runtime, then what it logged (JSON lines) or printed */
  FAILED: 66,
  ATTACHED: 67,
  /** Flags: one of {@link ShimStream}. The bytes. */
  OUTPUT: 68,
  /** `i32 errno` of kill(2), 0 for success */
  SIGNALLED: 69,
  /** `u8 phase, u8 out of memory, u16 0, i32 pid, i32 pid of the shim, i32 exit code, i64 exit time` */
  STATE: 70,
  /** The kernel killed a process of the container for its memory limit. */
  OOM: 71,
  /** `i32 code, u32 out of memory, i64 exit time`; the last frame of a connection */
  EXIT: 72,
} as const;

/** Flags of ATTACH and OUTPUT. A terminal's output is stdout. */
export const ShimStream = { STDOUT: 1, STDERR: 2, STDIN: 4 } as const;

/** The life of the process; the position in this list is the number on the wire. */
export const SHIM_PHASES = ['waiting', 'starting', 'running', 'draining', 'exited', 'failed'] as const;
export type ShimPhase = (typeof SHIM_PHASES)[number];

/** What the shim tells of its process. `exit` is known from phase `draining` on. */
export interface ShimState {
  readonly phase: ShimPhase;
  readonly oomKilled: boolean;
  /** Of the container's process, in the engine's pid namespace; 0 until it runs. */
  readonly pid: number;
  readonly shimPid: number;
  readonly exitCode: number;
  /** Nanoseconds since 1970; 0 until the process has exited. */
  readonly exitTime: bigint;
}

/** How a process ended. A death by signal N has code 128+N. */
export interface ShimExit {
  readonly code: number;
  /** Nanoseconds since 1970. */
  readonly at: bigint;
  /** The kernel killed a process of the container for its memory limit. */
  readonly oomKilled: boolean;
}

/** Names inside a shim's directory. */
export const ShimFile = {
  /** Where the shim listens; gone when it has left. */
  SOCKET: 'shim.sock',
  /** The process's pid in decimal, written by the OCI runtime. */
  PID: 'pid',
  /** The exit record: {@link ShimExitRecord} as JSON. Appears whole, after the last byte of output is in the log. */
  EXIT: 'exit',
} as const;

/** The document in the file `exit`. */
export interface ShimExitRecord {
  readonly version: 1;
  readonly code: number;
  /** Nanoseconds since 1970, in decimal. */
  readonly at: string;
  readonly oomKilled: boolean;
}

/** The log that the shim writes. */
export type ShimLog =
  | { readonly driver: 'none' }
  | {
      readonly driver: 'json-file';
      readonly path: string;
      /** Bytes before a rotation; unlimited without. */
      readonly maximumSize?: number;
      /** Counts the file that is written to; 1 without. */
      readonly maximumFiles?: number;
      readonly compress?: boolean;
      /** Extra fields for every entry (`attrs`), as Docker's log options labels, env and tag ask for. */
      readonly attributes?: Readonly<Record<string, string>>;
    };

/** What a shim is started with. All paths are absolute. */
export interface ShimSettings {
  /** Made by the shim (its parent must exist): holds the files of {@link ShimFile}. */
  readonly directory: string;
  readonly runtime: { readonly path: string; readonly root?: string; readonly arguments?: readonly string[] };
  readonly container: string;
  /** The container's first process: its bundle. A further one: a file with its OCI process object. */
  readonly process: { readonly bundle: string } | { readonly exec: string };
  /** Must agree with `process.terminal` of the OCI object. */
  readonly terminal: boolean;
  /** Without, the process reads /dev/null. */
  readonly stdin: boolean;
  /** The process's stdin ends when the first attached client's does. */
  readonly stdinOnce: boolean;
  readonly log: ShimLog;
  /** The container's folder in the memory hierarchy (v1) or the unified one (v2). It need not exist yet. */
  readonly cgroup?: { readonly version: 1 | 2; readonly path: string };
}
