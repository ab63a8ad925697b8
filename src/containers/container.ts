import { ZERO_TIME } from '../base/index.ts';
import type { ContainerConfig, EndpointSettings, HostConfig, MountSpec, PortMap } from '../contract/docker/index.ts';
import type { Attachment } from './attach.ts';
import type { Exec } from './exec.ts';
import { type LastRun, type Phase, transition } from './phase.ts';
import type { ContainerProcess } from './process.ts';

/** A mount of the container, as config.v2.json keeps it under `MountPoints`. */
export interface ContainerMount {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  readonly destination: string;
  /** Path on the host; empty for tmpfs. */
  readonly source: string;
  /** Volume name, for volumes. */
  readonly name: string;
  readonly driver: string;
  readonly writable: boolean;
  /** The mode words the client gave (`ro,z`), shown by inspect. */
  readonly mode: string;
  readonly propagation: string;
  /** False for volumes that shall not be filled from the image at first use. */
  readonly copyData: boolean;
  /** True for volumes without a name of the client's: `rm -v` and `--rm` remove them. */
  readonly anonymous: boolean;
  /** Refuse a bind whose source is missing instead of making it. */
  readonly sourceMustExist: boolean;
  readonly tmpfsOptions: string;
  readonly spec: MountSpec;
}

/** What a container holds while it has a network sandbox. */
export interface SandboxRecord {
  readonly id: string;
  /** Path of the pinned namespace. */
  readonly path: string;
  readonly ports: PortMap;
}

/** What outlives the engine: config.v2.json and hostconfig.json say the same. */
export interface ContainerRecord {
  readonly id: string;
  readonly created: string;
  readonly path: string;
  readonly arguments: readonly string[];
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly imageId: string;
  readonly platform: { readonly architecture: string; readonly os: string };
  readonly mounts: readonly ContainerMount[];
  /** Without the leading slash. */
  name: string;
  networks: Record<string, EndpointSettings>;
  /** MAC addresses that the client chose, by network: an endpoint gets them at every start. */
  macAddresses: Record<string, string>;
  sandbox: SandboxRecord | undefined;
  phase: Phase;
  lastRun: LastRun;
  restartCount: number;
  startedBefore: boolean;
  manuallyStopped: boolean;
}

/** The end of one run of the container's process. */
export interface Exit {
  readonly code: number;
  /** Nanoseconds since 1970. */
  readonly at: bigint;
  readonly oomKilled: boolean;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** A container: its record, and what this engine knows of it beyond. */
export class Container {
  readonly record: ContainerRecord;
  /** The running process, while its shim is connected. */
  process: ContainerProcess | undefined;
  /** Clients that attached before the start and wait for the process. */
  readonly waitingAttachments = new Set<Attachment>();
  readonly execs = new Map<string, Exec>();
  /** While a restart stops it, its `--rm` does not apply. */
  keepsItself = false;
  /** Ends a pending restart. */
  cancelRestart: (() => void) | undefined;
  readonly #waiters = new Map<WaitCondition, Set<(exit: { code: number; error?: string }) => void>>();

  constructor(record: ContainerRecord) {
    this.record = record;
  }

  get id(): string {
    return this.record.id;
  }

  get phase(): Phase {
    return this.record.phase;
  }

  /** Moves to the next phase; throws if the transition table does not allow it. */
  enter(next: Phase): void {
    this.record.phase = transition(this.record.phase, next);
  }

  /** Hears the next time `condition` comes true; the returned function stops listening. */
  onNext(condition: WaitCondition, listener: (exit: { code: number; error?: string }) => void): () => void {
    const listeners = this.#waiters.get(condition) ?? new Set();
    this.#waiters.set(condition, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Tells everyone who waits for `condition`. */
  notify(condition: WaitCondition, exit: { code: number; error?: string }): void {
    const listeners = this.#waiters.get(condition) ?? new Set();
    this.#waiters.delete(condition);
    for (const listener of listeners) listener(exit);
  }
}

/** The last run of a container that has never run. */
export const NEVER_RUN: LastRun = {
  startedAt: ZERO_TIME,
  finishedAt: ZERO_TIME,
  exitCode: 0,
  error: '',
  oomKilled: false,
};
