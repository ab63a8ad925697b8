import type {
  ContainerInspect,
  ContainerSummary,
  EndpointSettings,
  ExecConfig,
  ExecInspect,
  TopResponse,
} from '../contract/docker/index.ts';
import { type AttachRequest, attachContainer, type ClientStream } from './attach.ts';
import { connectContainer, disconnectContainer } from './connect.ts';
import type { ContainerContext } from './context.ts';
import { type CreateRequest, createContainer } from './create.ts';
import { createExec, findExec, resizeExec, startExec } from './exec.ts';
import { inspectContainer } from './inspect.ts';
import { inspectExec } from './inspect-exec.ts';
import { killContainer } from './kill.ts';
import { type ListRequest, listContainers } from './list.ts';
import { type LogEntry, type LogRequest, readLogs } from './logs.ts';
import { pauseContainer, unpauseContainer } from './pause.ts';
import { type Recovery, recoverContainers } from './recover.ts';
import { type RemoveOptions, removeContainer } from './remove.ts';
import { renameContainer } from './rename.ts';
import { resizeContainer } from './resize.ts';
import { restartContainer } from './restart.ts';
import { startContainer } from './start.ts';
import { type StopOptions, stopContainer } from './stop.ts';
import { topContainer } from './top.ts';
import { parseWaitCondition, waitForContainer } from './wait.ts';

/** How many containers there are, by what they do. */
export interface ContainerCounts {
  readonly total: number;
  readonly running: number;
  readonly paused: number;
}

/**
 * The containers of the engine. Each verb is documented in the file of its name; containers are named by id, unique id
 * prefix or name everywhere.
 */
export interface Containers {
  list(request: ListRequest): Promise<ContainerSummary[]>;
  create(request: CreateRequest): Promise<{ id: string; warnings: string[] }>;
  inspect(container: string, options: { size: boolean }): Promise<ContainerInspect>;
  start(container: string): Promise<void>;
  stop(container: string, options: StopOptions): Promise<void>;
  restart(container: string, options: StopOptions): Promise<void>;
  kill(container: string, signal: string): Promise<void>;
  pause(container: string): Promise<void>;
  unpause(container: string): Promise<void>;
  rename(container: string, name: string): Promise<void>;
  remove(container: string, options: RemoveOptions): Promise<void>;
  wait(
    container: string,
    condition: string,
    signal: AbortSignal,
  ): { readonly ended: Promise<{ code: number; error?: string } | undefined> };
  attach(container: string, request: AttachRequest, onReady: () => ClientStream): Promise<void>;
  resize(container: string, rows: number, columns: number): void;
  logs(container: string, request: LogRequest): AsyncGenerator<LogEntry>;
  top(container: string, psArguments: string): Promise<TopResponse>;
  connect(network: string, container: string, settings: EndpointSettings | undefined): Promise<void>;
  disconnect(network: string, container: string, force: boolean): Promise<void>;
  createExec(container: string, config: ExecConfig): string;
  startExec(
    exec: string,
    options: { terminal: boolean; consoleSize?: readonly [number, number] | null | undefined },
    onReady: (() => ClientStream) | undefined,
  ): Promise<void>;
  resizeExec(exec: string, rows: number, columns: number): void;
  inspectExec(exec: string): ExecInspect;
  /** Whether the container's first process has a terminal. */
  hasTerminal(container: string): boolean;
  execHasTerminal(exec: string): boolean;
  counts(): ContainerCounts;
  /** Full ids of the containers that use an image. */
  usersOfImage(imageId: string): { id: string; running: boolean }[];
  usersOfVolume(volume: string): string[];
  recover(): Promise<Recovery>;
}

/** The containers that work with `context`. */
export function createContainers(context: ContainerContext): Containers {
  return {
    list: (request) => listContainers(context, request),
    create: (request) => createContainer(context, request),
    inspect: (container, options) => inspectContainer(context, container, options),
    start: (container) => startContainer(context, container),
    stop: (container, options) => stopContainer(context, container, options),
    restart: (container, options) => restartContainer(context, container, options),
    kill: (container, signal) => killContainer(context, container, signal),
    pause: (container) => pauseContainer(context, container),
    unpause: (container) => unpauseContainer(context, container),
    rename: (container, name) => renameContainer(context, container, name),
    remove: (container, options) => removeContainer(context, container, options),
    wait: (container, condition, signal) => waitForContainer(context, container, parseWaitCondition(condition), signal),
    attach: (container, request, onReady) => attachContainer(context, container, request, onReady),
    resize: (container, rows, columns) => resizeContainer(context, container, rows, columns),
    logs: (container, request) => readLogs(context, container, request),
    top: (container, psArguments) => topContainer(context, container, psArguments),
    connect: (network, container, settings) => connectContainer(context, network, container, settings),
    disconnect: (network, container, force) => disconnectContainer(context, network, container, force),
    createExec: (container, config) => createExec(context, container, config).id,
    startExec: (exec, options, onReady) => startExec(context, exec, options, onReady),
    resizeExec: (exec, rows, columns) => resizeExec(context, exec, rows, columns),
    inspectExec: (exec) => inspectExec(context, exec),
    hasTerminal: (container) => context.store.get(container).record.config.Tty,
    execHasTerminal: (exec) => findExec(context, exec).config.Tty === true,
    counts: () => counts(context),
    usersOfImage: (imageId) =>
      context.store
        .list()
        .filter((container) => container.record.imageId === imageId)
        .map((container) => ({ id: container.id, running: container.phase.name === 'running' })),
    usersOfVolume: (volume) => context.store.volumeUsers(volume),
    recover: () => recoverContainers(context),
  };
}

function counts(context: ContainerContext): ContainerCounts {
  const phases = context.store.list().map((container) => container.phase);
  return {
    total: phases.length,
    running: phases.filter((phase) => phase.name === 'running' && !phase.paused).length,
    paused: phases.filter((phase) => phase.name === 'running' && phase.paused).length,
  };
}
