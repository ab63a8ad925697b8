import { mkdir, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { announceStep, systemError } from '../base/index.ts';
import { connectShim, ShimConnection, type ShimSettings, shimArguments } from '../runtime/index.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { parseSize } from './size.ts';
import { containerFiles } from './state-files.ts';

/** The process folder of a container's first process; execs have theirs beside it, named by their ids. */
export const INIT = 'init';

/** The control connection arrives in the shim as this descriptor. */
const CONTROL_DESCRIPTOR = 3;

/** A container's process, reached through its shim. */
export type ContainerProcess = ShimConnection;

/** Folder of all processes of a container in the run directory. */
export function processesDirectory(context: Pick<ContainerContext, 'directories'>, container: string): string {
  return join(context.directories.shims, container);
}

/** Folder of one process: its shim's socket, pid and exit record. */
export function processDirectory(
  context: Pick<ContainerContext, 'directories'>,
  container: string,
  process = INIT,
): string {
  return join(processesDirectory(context, container), process);
}

/** What differs between the first process of a container and an exec. */
export interface ShimRequest {
  readonly process?: string;
  /** process.json of an exec; without it the shim runs the container's bundle. */
  readonly execFile?: string;
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly logs: boolean;
}

/** Starts a shim that waits for START, and returns its control connection. */
export async function spawnShim(
  context: ContainerContext,
  container: Container,
  request: ShimRequest,
): Promise<ContainerProcess> {
  const directory = processDirectory(context, container.id, request.process);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const settings = shimSettings(context, container, directory, request);
  announceStep('spawn shim', directory);
  const [spawned] = await context.kernel.run([
    {
      op: 'spawn',
      file: context.shimProgram,
      arguments: shimArguments(settings),
      descriptors: { [CONTROL_DESCRIPTOR]: 'socketpair' },
      wait: true,
    },
  ]);
  const descriptor = spawned.sockets[CONTROL_DESCRIPTOR];
  if (descriptor === undefined) throw systemError('the shim has no control connection');
  const socket = new Socket({ fd: descriptor, readable: true, writable: true });
  if (spawned.status?.code !== 0) {
    socket.destroy();
    throw systemError(`the shim did not start (status ${spawned.status?.code})`);
  }
  return ShimConnection.open(socket, directory);
}

/** A further connection to a process's shim; throws if there is none. */
export function connectProcess(
  context: Pick<ContainerContext, 'directories'>,
  container: string,
  process?: string,
): Promise<ShimConnection> {
  return connectShim(processDirectory(context, container, process));
}

function shimSettings(
  context: ContainerContext,
  container: Container,
  directory: string,
  request: ShimRequest,
): ShimSettings {
  const runtime = context.runtimeNamed(container.record.hostConfig.Runtime);
  return {
    directory,
    runtime,
    container: container.id,
    process:
      request.execFile === undefined ? { bundle: bundleDirectory(context, container.id) } : { exec: request.execFile },
    terminal: request.terminal,
    stdin: request.stdin,
    stdinOnce: request.stdinOnce,
    log: request.logs ? logSettings(context, container) : { driver: 'none' },
    ...(request.process === undefined && { cgroup: context.memoryCgroup(cgroupPath(context, container)) }),
  };
}

function logSettings(context: ContainerContext, container: Container): ShimSettings['log'] {
  const { Type: driver, Config: options } = container.record.hostConfig.LogConfig;
  if (driver !== 'json-file') return { driver: 'none' };
  const refuse = (reason: string) =>
    systemError(`failed to create task for container: failed to initialize logging driver: ${reason}`);
  const maximumSize = parseSize(options['max-size'] ?? '', 1000);
  if (options['max-size'] !== undefined && maximumSize === undefined)
    throw refuse(`invalid size: '${options['max-size']}'`);
  const maximumFiles = Number(options['max-file'] ?? 1);
  if (!(maximumFiles >= 1)) throw refuse('max-file cannot be less than 1');
  return {
    driver: 'json-file',
    path: containerFiles(context.directories.containers, container.id).log,
    ...(maximumSize !== undefined && { maximumSize }),
    maximumFiles,
    compress: options.compress === 'true',
  };
}

/** Path of the OCI bundle of a container. */
export function bundleDirectory(context: Pick<ContainerContext, 'directories'>, container: string): string {
  return join(context.directories.bundles, container);
}

/** The cgroup of a container, as the OCI specification names it. */
export function cgroupPath(context: Pick<ContainerContext, 'cgroupParent'>, container: Container): string {
  return join('/', container.record.hostConfig.CgroupParent || context.cgroupParent, container.id);
}
