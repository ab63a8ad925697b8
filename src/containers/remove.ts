import { rename, rm } from 'node:fs/promises';
import { announceStep, conflict, errnoOf, isKind, runAll, writeFileAtomic } from '../base/index.ts';
import { announce } from './announce.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { noteManualStop } from './manual-stop.ts';
import { nextExit, sendSignal } from './send-signal.ts';
import { SIGKILL } from './signals.ts';
import { containerFiles, REMOVAL_SUFFIX, writeState } from './state-files.ts';
import { takeDown } from './take-down.ts';

export interface RemoveOptions {
  /** Also if it runs. */
  readonly force: boolean;
  /** Its anonymous volumes too. */
  readonly volumes: boolean;
}

/** Removes a container and everything of it. Throws conflict if it runs and `force` is not given. */
export async function removeContainer(
  context: ContainerContext,
  idOrName: string,
  options: RemoveOptions,
): Promise<void> {
  const container = context.store.get(idOrName);
  if (options.force) await end(context, container);
  await context.queue.run(container.id, async () => {
    // With --rm its own end may have removed it by now.
    if (context.store.find(container.id) === undefined) return;
    requireRemovable(container, idOrName);
    await removeEnded(context, container, options);
  });
}

/** Removes a container that does not run. Call inside the container's queue. */
export async function removeEnded(
  context: ContainerContext,
  container: Container,
  options: Pick<RemoveOptions, 'volumes'>,
): Promise<void> {
  container.cancelRestart?.();
  const exitCode = container.record.lastRun.exitCode;
  container.enter({ name: 'removing' });
  try {
    await erase(context, container, options);
  } catch (error) {
    container.enter({ name: 'dead' });
    await writeState(context.directories.containers, container.record).catch(() => undefined);
    throw error;
  }
  context.store.delete(container);
  announce(context, container, 'destroy');
  container.notify('not-running', { code: exitCode });
  container.notify('removed', { code: exitCode });
}

async function end(context: ContainerContext, container: Container): Promise<void> {
  if (container.phase.name !== 'running') return;
  const ended = nextExit(container);
  await noteManualStop(context, container);
  if (container.phase.name !== 'running') return ended;
  await sendSignal(context, container, SIGKILL);
  await ended;
}

function requireRemovable(container: Container, idOrName: string): void {
  const { phase, id } = container;
  const refuse = (reason: string) => conflict(`cannot remove container "${idOrName}": container is ${reason}`);
  if (phase.name === 'running' && phase.paused) throw refuse('paused and must be unpaused first');
  if (phase.name === 'running') throw refuse('running: stop the container before removing or force remove');
  if (phase.name === 'restarting' && container.cancelRestart === undefined) {
    throw refuse('restarting: stop the container before removing or force remove');
  }
  if (phase.name === 'removing') throw conflict(`removal of container ${id} is already in progress`);
}

async function erase(
  context: ContainerContext,
  container: Container,
  options: Pick<RemoveOptions, 'volumes'>,
): Promise<void> {
  const files = containerFiles(context.directories.containers, container.id);
  const anonymous = container.record.mounts.filter((mount) => options.volumes && mount.anonymous);
  const doomed = `${files.directory}${REMOVAL_SUFFIX}`;
  try {
    const names = anonymous.map((mount) => mount.name);
    if (names.length > 0) await writeFileAtomic(files.doomedVolumes, JSON.stringify(names));
    // Once the folder has its new name the container is gone; a crash after that leaves only what recovery clears away.
    announceStep('rename', files.directory);
    await rename(files.directory, doomed);
  } catch (error) {
    // An earlier removal came this far.
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  await runAll(
    [
      () => container.phase.name === 'dead' && takeDown(context, container),
      () => context.layers.removeRwLayer(container.id),
      ...anonymous.map((mount) => () => removeVolume(context, mount.name, container.id)),
      () => rm(doomed, { recursive: true, force: true }),
    ],
    `removing container ${container.id}`,
  );
}

/** Removes a volume unless another container than `except` uses it by its name (`--volumes-from`). */
export async function removeVolume(context: ContainerContext, name: string, except?: string): Promise<void> {
  try {
    const users = context.store.volumeUsers(name).filter((id) => id !== except);
    await context.volumes.remove(name, { users });
  } catch (error) {
    if (!isKind(error, 'conflict') && !isKind(error, 'notFound')) throw error;
  }
}
