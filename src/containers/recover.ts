import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { announceStep, errnoOf, messageOf, removeTemporaryFiles } from '../base/index.ts';
import { connectShim, readExitRecord } from '../runtime/index.ts';
import { Container, type Exit } from './container.ts';
import type { ContainerContext } from './context.ts';
import { CREATION_FILE } from './create.ts';
import { rememberSandbox } from './launch.ts';
import { type ContainerProcess, processDirectory, processesDirectory } from './process.ts';
import { removeEnded } from './remove.ts';
import { startsWithEngine } from './restart-policy.ts';
import { handleExit, LOST_EXIT_CODE, run, supervise } from './run.ts';
import { containerFiles, readContainer, writeState } from './state-files.ts';
import { takeDown } from './take-down.ts';

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
  const containers = await loadContainers(context);
  for (const container of containers) {
    context.store.reserveName(container.record.name, container.id);
    context.store.add(container);
  }
  const known = new Set(containers.map((container) => container.id));
  const alive = new Map<Container, ContainerProcess>();
  await inParallel(containers, PARALLEL_ADOPTIONS, async (container) => {
    const process = await findProcess(context, container);
    if (process) alive.set(container, process);
  });
  await context.networks.recover(new Set([...alive.keys()].map((container) => container.id)));
  await context.layers.recover({ containers: known });
  const wanted: Container[] = [];
  await inParallel(containers, PARALLEL_ADOPTIONS, async (container) => {
    try {
      const process = alive.get(container);
      if (process) await adopt(context, container, process);
      else if (await settle(context, container)) wanted.push(container);
    } catch (error) {
      context.log.error({ container: container.id, error: messageOf(error) }, 'a container was not recovered');
    }
  });
  await context.volumes.recover();
  await removeStrayRunFiles(context);
  return { startWanted: () => startAll(context, wanted) };
}

/** Reads every whole container, oldest first, and removes the rest of those whose creation or removal broke off. */
async function loadContainers(context: ContainerContext): Promise<Container[]> {
  const root = context.directories.containers;
  const loaded: Container[] = [];
  for (const name of await readdir(root)) {
    if (name.endsWith('-removing')) {
      await rm(join(root, name), { recursive: true, force: true });
      continue;
    }
    await removeTemporaryFiles(join(root, name));
    const record = await readContainer(root, name).catch((error) => {
      // A broken file is the owner's to mend: the container is left alone, not removed.
      context.log.error({ container: name, error: messageOf(error) }, 'the state of a container cannot be read');
      return 'broken' as const;
    });
    if (record === 'broken') continue;
    if (record === undefined) await removeHalfMade(context, name);
    else loaded.push(new Container(record));
  }
  return loaded.sort((left, right) => (left.record.created < right.record.created ? -1 : 1));
}

async function removeHalfMade(context: ContainerContext, id: string): Promise<void> {
  const { directory } = containerFiles(context.directories.containers, id);
  announceStep('remove half-made', directory);
  const volumes = await readFile(join(directory, CREATION_FILE), 'utf8').then(
    (text) => JSON.parse(text) as string[],
    () => [],
  );
  for (const volume of volumes) {
    await context.volumes
      .remove(volume, { force: true, users: [] })
      .catch((error) =>
        context.log.warn({ volume, error: messageOf(error) }, 'a volume of a half-made container stays'),
      );
  }
  await rm(directory, { recursive: true, force: true });
}

/** The container's process, if its shim still lives and has started it. */
async function findProcess(context: ContainerContext, container: Container): Promise<ContainerProcess | undefined> {
  const process = await connectShim(processDirectory(context, container.id)).catch((error) => {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ECONNREFUSED') {
      context.log.error({ container: container.id, error: messageOf(error) }, 'a shim does not answer');
    }
    return undefined;
  });
  if (process === undefined) return undefined;
  const { phase } = await process.state();
  if (phase === 'starting' || phase === 'running' || phase === 'draining' || phase === 'exited') return process;
  // It waits for a start that will not come.
  process.close();
  return undefined;
}

/** Takes a living process over from the engine before. */
async function adopt(context: ContainerContext, container: Container, process: ContainerProcess): Promise<void> {
  const { pid } = await process.started;
  const { record } = container;
  const paused = record.phase.name === 'running' && record.phase.paused;
  if (record.phase.name !== 'running') {
    // The engine died between the start and writing it down.
    record.lastRun = { ...record.lastRun, startedAt: context.clock.timestamp(), exitCode: 0, error: '' };
    record.startedBefore = true;
  }
  container.enter({ name: 'running', pid, paused });
  container.process = process;
  for (const mount of record.mounts) {
    if (mount.type === 'volume') await context.volumes.use(mount.name, container.id);
  }
  const sandbox = context.networks.sandbox(container.id);
  if (sandbox) rememberSandbox(container, sandbox);
  await writeState(context.directories.containers, record);
  supervise(context, container, process, 0);
}

/** Brings a container without a living process to rest. True if it shall be started. */
async function settle(context: ContainerContext, container: Container): Promise<boolean> {
  const { record } = container;
  const { phase } = record;
  const exit = await readExitRecord(processDirectory(context, container.id)).catch(() => undefined);
  if (phase.name === 'running') {
    await context.queue.run(container.id, () => handleExit(context, container, exit ?? unknownExit(context), 0));
    return !record.manuallyStopped && container.phase.name === 'exited' && wantsStart(container, true);
  }
  await takeDown(context, container);
  if (phase.name === 'restarting') {
    container.enter({ name: 'exited' });
    return wantsStart(container, true);
  }
  const removesItself = record.hostConfig.AutoRemove && phase.name !== 'created';
  if (removesItself || phase.name === 'dead') {
    await removeEnded(context, container, { volumes: true });
    return false;
  }
  return wantsStart(container, false);
}

function wantsStart(container: Container, wasRunning: boolean): boolean {
  const { record } = container;
  return startsWithEngine(record.hostConfig.RestartPolicy, {
    manuallyStopped: record.manuallyStopped,
    startedBefore: record.startedBefore,
    exitCode: record.lastRun.exitCode,
    wasRunning,
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

/** Removes run directory folders of containers that are gone or do not run. */
async function removeStrayRunFiles(context: ContainerContext): Promise<void> {
  for (const folder of [context.directories.shims, context.directories.bundles]) {
    for (const id of await readdir(folder).catch(() => [])) {
      if (context.store.find(id)?.phase.name === 'running') continue;
      await context
        .runtimeNamed('')
        .delete(id)
        .catch(() => undefined);
      await rm(join(folder, id), { recursive: true, force: true });
      await rm(processesDirectory(context, id), { recursive: true, force: true });
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
