import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  announceStep,
  conflict,
  invalidParameter,
  messageOf,
  newId,
  notFound,
  runAll,
  systemError,
} from '../base/index.ts';
import type { ExecConfig } from '../contract/docker/index.ts';
import { buildEnvironment, buildProcess, type ResolvedUser, type ShimConnection } from '../runtime/index.ts';
import { announce } from './announce.ts';
import { Attachment, type ClientStream } from './attach.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { bundleDirectory, INIT, processDirectory, processesDirectory, spawnShim } from './process.ts';
import { parseSecurity } from './security.ts';
import { EXEC_PREFIX, exitCodeOfFailedStart, translateStartFailure } from './start-failure.ts';
import { resolveUser } from './users.ts';

/** How many ended execs of a container can still be inspected: enough for every client that asks at once, and bounded. */
const ENDED_EXECS_KEPT = 100;

/** A further process in a container: described, then started once, then ended. */
export interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly config: ExecConfig;
  state:
    | { readonly name: 'created' }
    | { readonly name: 'starting' }
    | { readonly name: 'running'; readonly pid: number }
    | { readonly name: 'ended'; readonly exitCode: number };
  process: ShimConnection | undefined;
}

/** Describes a process to run in a running container. Throws notFound, conflict (not running, paused), invalidParameter. */
export function createExec(context: ContainerContext, idOrName: string, config: ExecConfig): Exec {
  const container = context.store.get(idOrName);
  requireExecutable(container);
  if ((config.Cmd ?? []).length === 0) throw invalidParameter('No exec command specified');
  parseDetachKeys(config.DetachKeys ?? '');
  execUser(context, container, config);
  context.expectCgroupMove();
  const exec: Exec = { id: newId(), container, config, state: { name: 'created' }, process: undefined };
  container.execs.set(exec.id, exec);
  forgetOldExecs(container);
  announce(context, container, `exec_create: ${commandOf(config)}`, { execID: exec.id });
  return exec;
}

/** The exec of that id; throws notFound (`No such exec instance: …`). */
export function findExec(context: ContainerContext, id: string): Exec {
  for (const container of context.store.list()) {
    const exec = container.execs.get(id);
    if (exec) return exec;
  }
  throw notFound(`No such exec instance: ${id}`);
}

/**
 * Runs an exec. With a client (made by `onReady` once everything is checked) it resolves when the client's part is over,
 * without one as soon as the process runs.
 */
export async function startExec(
  context: ContainerContext,
  id: string,
  options: { readonly terminal: boolean; readonly consoleSize?: readonly [number, number] | null | undefined },
  onReady: (() => ClientStream) | undefined,
): Promise<void> {
  const exec = findExec(context, id);
  const { container, config } = exec;
  try {
    requireNotStarted(exec);
    requireExecutable(container);
  } catch (error) {
    if (onReady === undefined) throw error;
    return await tellClient(onReady(), messageOf(error));
  }
  exec.state = { name: 'starting' };
  context.expectCgroupMove();
  announce(context, container, `exec_start: ${commandOf(config)}`, { execID: id });
  let client: ClientStream | undefined;
  try {
    const terminal = config.Tty === true;
    const execFile = await writeProcessFile(context, exec, options.consoleSize ?? config.ConsoleSize);
    client = onReady?.();
    const process = await spawnShim(context, container, {
      process: id,
      execFile,
      terminal,
      stdin: config.AttachStdin === true && client !== undefined,
      stdinOnce: true,
      logs: false,
    });
    exec.process = process;
    const joined = client && (await joinClient(context, exec, process, client));
    const { pid } = await process.start();
    exec.state = { name: 'running', pid };
    void watch(context, exec, process);
    await joined?.ended;
  } catch (error) {
    await failed(context, exec, error, client);
  }
}

/** The size of an exec's terminal, from now on. */
export function resizeExec(context: ContainerContext, id: string, rows: number, columns: number): void {
  const exec = findExec(context, id);
  if (exec.state.name === 'created' || exec.state.name === 'ended') throw conflict(`exec ${id} is not running`);
  exec.process?.resize(rows, columns);
}

async function joinClient(
  context: ContainerContext,
  exec: Exec,
  process: ShimConnection,
  client: ClientStream,
): Promise<{ readonly ended: Promise<void> }> {
  const { config } = exec;
  const attachment = new Attachment(
    {
      stdin: config.AttachStdin === true,
      stdout: config.AttachStdout === true,
      stderr: config.AttachStderr === true,
    },
    config.DetachKeys ?? '',
    client,
  );
  await attachment.join(process, { ownsConnection: false });
  // In an object: a promise in a promise would be awaited with it.
  return {
    ended: attachment.ended.then((how) => {
      if (how === 'detached') announce(context, exec.container, 'exec_detach', { execID: exec.id });
    }),
  };
}

async function watch(context: ContainerContext, exec: Exec, process: ShimConnection): Promise<void> {
  const code = await process.exited.then(
    (exit) => exit.code,
    () => undefined,
  );
  exec.state = { name: 'ended', exitCode: code ?? 137 };
  exec.process = undefined;
  process.close();
  announce(context, exec.container, 'exec_die', { execID: exec.id, exitCode: String(exec.state.exitCode) });
  await forgetExec(context, exec.container.id, exec.id);
}

async function failed(
  context: ContainerContext,
  exec: Exec,
  cause: unknown,
  client: ClientStream | undefined,
): Promise<void> {
  exec.process?.close();
  exec.process = undefined;
  const error = translateStartFailure(cause, {
    command: exec.config.Cmd?.[0] ?? '',
    root: context.layers.mountedRoot(exec.container.id),
    prefix: EXEC_PREFIX,
  });
  exec.state = { name: 'ended', exitCode: exitCodeOfFailedStart(error) };
  announce(context, exec.container, 'exec_die', { execID: exec.id, exitCode: String(exec.state.exitCode) });
  await forgetExec(context, exec.container.id, exec.id);
  if (client === undefined) throw error;
  await tellClient(client, messageOf(error));
}

/** Once the stream may begin, dockerd tells of failures in it, as if the process had printed them. */
async function tellClient(client: ClientStream, text: string): Promise<void> {
  await client.write('stdout', Buffer.from(`${text}\r\n`));
  client.end();
}

function requireNotStarted({ id, state }: Exec): void {
  if (state.name === 'ended') throw conflict(`exec command ${id} has already run`);
  if (state.name !== 'created') throw conflict(`exec command ${id} is already running`);
}

/** Removes the files of an exec that has ended. Never throws. */
export async function forgetExec(context: ContainerContext, container: string, exec: string): Promise<void> {
  announceStep('forget exec', exec);
  await runAll(
    [
      () => rm(processDirectory(context, container, exec), { recursive: true, force: true }),
      () => rm(processFile(context, container, exec), { force: true }),
    ],
    'removing the files of an exec',
  ).catch((error) => context.log.warn({ exec, error }, 'the files of an exec were not removed'));
}

/** Where the runtime finds the description of an exec: in the container's bundle. */
function processFile(context: ContainerContext, container: string, exec: string): string {
  return join(bundleDirectory(context, container), `exec-${exec}.json`);
}

/** Ids of all execs that a container has files of. */
export async function storedExecs(context: ContainerContext, container: string): Promise<string[]> {
  const [processes, files] = await Promise.all([
    readdir(processesDirectory(context, container)),
    readdir(bundleDirectory(context, container)),
  ]);
  const described = files.flatMap((file) => /^exec-(.+)\.json$/.exec(file)?.[1] ?? []);
  return [...new Set([...processes.filter((name) => name !== INIT), ...described])];
}

/** Writes the OCI description of the process, for the runtime. */
async function writeProcessFile(
  context: ContainerContext,
  exec: Exec,
  consoleSize: readonly [number, number] | null | undefined,
): Promise<string> {
  const { container, config } = exec;
  const { record } = container;
  const terminal = config.Tty === true;
  const process = buildProcess(
    {
      arguments: config.Cmd ?? [],
      environment: buildEnvironment({
        hostname: record.config.Hostname,
        terminal,
        configured: [...(record.config.Env ?? []), ...(config.Env ?? [])],
      }),
      workingDirectory: config.WorkingDir || record.config.WorkingDir,
      user: execUser(context, container, config),
      terminal,
      consoleSize,
      privileged: config.Privileged === true || record.hostConfig.Privileged,
    },
    parseSecurity(record.hostConfig),
    record.hostConfig,
    context.host,
  );
  const file = processFile(context, container.id, exec.id);
  announceStep('write', file);
  await writeFile(file, JSON.stringify(process), { mode: 0o600 });
  return file;
}

/** Who the process runs as; throws invalidParameter for a name the container does not know. */
function execUser(context: ContainerContext, container: Container, config: ExecConfig): ResolvedUser {
  const { record } = container;
  const root = context.layers.mountedRoot(container.id);
  if (root === undefined) throw systemError(`container ${container.id} has no mounted root`);
  return resolveUser(root, config.User || record.config.User, record.hostConfig.GroupAdd ?? []);
}

/** The command as events tell it: dockerd puts a space behind the program, even if no arguments follow. */
function commandOf({ Cmd }: ExecConfig): string {
  const [program = '', ...rest] = Cmd ?? [];
  return `${program} ${rest.join(' ')}`;
}

function requireExecutable(container: Container): void {
  const { phase, id } = container;
  if (phase.name === 'restarting') {
    throw conflict(`Container ${id} is restarting, wait until the container is running`);
  }
  if (phase.name !== 'running') throw conflict(`container ${id} is not running`);
  if (phase.paused) throw conflict(`Container ${id} is paused, unpause the container before exec`);
}

function forgetOldExecs(container: Container): void {
  const ended = [...container.execs.values()].filter((exec) => exec.state.name === 'ended');
  for (const exec of ended.slice(0, Math.max(0, ended.length - ENDED_EXECS_KEPT))) container.execs.delete(exec.id);
}
