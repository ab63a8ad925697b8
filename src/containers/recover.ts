import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, formatTime, messageOf } from '../base/index.ts';
import { connectShim, readExitRecord, readStartTime } from '../runtime/index.ts';
import type { Container, Exit } from './container.ts';
import type { ContainerContext } from './context.ts';
import { forgetExec, storedExecs } from './exec.ts';
import { beginRun, rememberSandbox } from './launch.ts';
import { loadContainers, removeUnfinished } from './load.ts';
import { type ContainerProcess, cgroupPath, processDirectory } from './process.ts';
import { removeEnded } from './remove.ts';
import { startsWithEngine } from './restart-policy.ts';
import { handleExit, LOST_EXIT_CODE, run, supervise } from './run.ts';
import { writeState } from './state-files.ts';
import { forgetRun, takeDown } from './take-down.ts';

/** How many containers are adopted at a time: more would only queue up at the kernel thread. */
const PARALLEL_ADOPTIONS = 16;

/** The containers whose processes were found alive, and those that shall be started. */
export interface Recovery {
  /** Starts what its restart policy wants running; settles when all have been tried. */
  startWanted(): Promise<void>;
}

/**
 * Reads the containers from disk and asks each one's shim how it is: running ones are adopted as they are, ends that
 * happened meanwhile are recorded and acted on, and what a crash left half-made is cleared away.
 */
export async function recoverContainers(context: ContainerContext): Promise<Recovery> {
  const { containers, unreadable, unfinished } = await loadContainers(context);
  for (const container of containers) {
    context.store.reserveName(container.record.name, container.id);
    context.store.add(container);
  }
  for (const directory of unfinished) await removeUnfinished(context, directory);
  const known = new Set([...containers.map((container) => container.id), ...unreadable]);
  const alive = new Map<Container, ContainerProcess>();
  await inParallel(containers, PARALLEL_ADOPTIONS, async (container) => {
    const process = await findProcess(context, container.id);
    if (process) alive.set(container, process);
  });
  await context.networks.recover(new Set([...alive.keys()].map((container) => container.id)));
  await context.layers.recover({ containers: known });
  const wanted: Container[] = [];
  await inParallel(containers, PARALLEL_ADOPTIONS, async (container) => {
    try {
      const process = alive.get(container);
      const started = await process?.started.catch(() => undefined);
      if (process && started) await adopt(context, container, process, started.pid);
      else if (await settle(context, container)) wanted.push(container);
    } catch (error) {
      context.log.error({ container: container.id, error: messageOf(error) }, 'a container was not recovered');
    }
  });
  await context.volumes.recover();
  await removeStrayRunFiles(context, known);
  return { startWanted: () => startAll(context, wanted) };
}

/** A container's process, or an exec's, if its shim still lives and has been told to start it. */
async function findProcess(
  context: ContainerContext,
  container: string,
  exec?: string,
): Promise<ContainerProcess | undefined> {
  try {
    const process = await connectShim(processDirectory(context, container, exec));
    const { phase } = await process.state();
    if (phase !== 'waiting' && phase !== 'failed') return process;
    // Without a connection it leaves: the start it waits for will not come.
    process.close();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ECONNREFUSED') {
      context.log.warn({ container, error: messageOf(error) }, 'a shim does not answer');
    }
  }
  return undefined;
}

/** Takes a living process over from the engine before. */
async function adopt(
  context: ContainerContext,
  container: Container,
  process: ContainerProcess,
  pid: number,
): Promise<void> {
  const { record } = container;
  if (record.phase.name !== 'running') await beginUnwrittenRun(context, container);
  container.enter({ name: 'running', pid, paused: context.isCgroupFrozen(cgroupPath(context, container)) });
  container.process = process;
  for (const mount of record.mounts) {
    if (mount.type === 'volume') await context.volumes.use(mount.name, container.id);
  }
  const sandbox = context.networks.sandbox(container.id);
  if (sandbox) rememberSandbox(container, sandbox);
  if (sandbox && sandbox.containerName !== record.name) {
    await context.networks.renameContainer(container.id, record.name);
  }
  await writeState(context.directories.containers, record);
  await recoverExecs(context, container);
  supervise(context, container, process, 0);
}

/** The engine before died between a start and writing it down. */
async function beginUnwrittenRun(context: ContainerContext, container: Container): Promise<void> {
  const startedAt = (await readStartTime(processDirectory(context, container.id))) ?? context.clock.now();
  beginRun(container, 0, formatTime(startedAt));
}

/** Nobody waits for the execs of the engine before: what is left of them goes, when they have ended. */
async function recoverExecs(context: ContainerContext, { id }: Container): Promise<void> {
  for (const exec of await storedExecs(context, id)) {
    const process = await findProcess(context, id, exec);
    const ended = process === undefined ? Promise.resolve() : process.exited.catch(() => {});
    const forgotten = ended.then(() => {
      process?.close();
      return forgetExec(context, id, exec);
    });
    if (process === undefined) await forgotten;
  }
}

/** Brings a container without a living process to rest. True if it shall be started. */
async function settle(context: ContainerContext, container: Container): Promise<boolean> {
  const { record } = container;
  const { phase } = record;
  const exit = await readExitRecord(processDirectory(context, container.id)).catch(() => undefined);
  const isUnwritten = exit !== undefined && formatTime(exit.at) !== record.lastRun.finishedAt;
  if (isUnwritten && phase.name !== 'running' && phase.name !== 'dead') await beginUnwrittenRun(context, container);
  if (record.phase.name === 'running') {
    await context.queue.run(container.id, () => handleExit(context, container, exit ?? unknownExit(context), 0));
    return false;
  }
  await takeDown(context, container);
  await forgetRun(context, container);
  if (record.hostConfig.AutoRemove || phase.name === 'dead') {
    await removeEnded(context, container, { volumes: true });
    return false;
  }
  if (phase.name === 'restarting') container.enter({ name: 'exited' });
  return startsWithEngine(record.hostConfig.RestartPolicy, {
    manuallyStopped: record.manuallyStopped,
    startedBefore: record.startedBefore,
    exitCode: record.lastRun.exitCode,
    wasRunning: phase.name === 'restarting',
    restarts: record.restartCount,
  });
}

async function startAll(context: ContainerContext, containers: readonly Container[]): Promise<void> {
  await inParallel(containers, PARALLEL_ADOPTIONS, async (container) => {
    await context.queue
      .run(container.id, () => run(context, container, 0))
      .catch((error) =>
        context.log.error({ container: container.id, error: messageOf(error) }, 'a container did not start'),
      );
  });
}

/** Removes run directory folders of containers that are gone. */
async function removeStrayRunFiles(context: ContainerContext, known: ReadonlySet<string>): Promise<void> {
  for (const folder of [context.directories.shims, context.directories.bundles]) {
    for (const id of await readdir(folder).catch(() => [])) {
      if (known.has(id)) continue;
      await context
        .runtimeNamed('')
        .delete(id)
        .catch(() => undefined);
      await rm(join(folder, id), { recursive: true, force: true });
    }
  }
}

function unknownExit(context: ContainerContext): Exit {
  return { code: LOST_EXIT_CODE, at: context.clock.now(), oomKilled: false };
}

async function inParallel<T>(items: readonly T[], limit: number, task: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
