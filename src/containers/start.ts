import { conflict, messageOf, notModified } from '../base/index.ts';
import { announce } from './announce.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { removeEnded } from './remove.ts';
import { run } from './run.ts';
import { exitCodeOfFailedStart } from './start-failure.ts';
import { writeState } from './state-files.ts';

/**
 * Starts a container that is not running. Throws notModified if it runs, conflict if it is paused or being removed, and
 * whatever kept it from starting, which its state then remembers.
 */
export async function startContainer(context: ContainerContext, idOrName: string): Promise<void> {
  const container = context.store.get(idOrName);
  await context.queue.run(container.id, async () => {
    requireStartable(container);
    container.cancelRestart?.();
    container.record.restartCount = 0;
    container.record.manuallyStopped = false;
    await startOnce(context, container);
  });
}

/** Starts the container now, remembering in its state why if that fails. Call inside the container's queue. */
export async function startOnce(context: ContainerContext, container: Container): Promise<void> {
  const { record } = container;
  try {
    await run(context, container, 0);
  } catch (error) {
    record.lastRun = { ...record.lastRun, exitCode: exitCodeOfFailedStart(error), error: messageOf(error) };
    if (record.hostConfig.AutoRemove) container.notify('next-exit', { code: record.lastRun.exitCode });
    await writeState(context.directories.containers, record);
    announce(context, container, 'die', { exitCode: String(record.lastRun.exitCode), execDuration: '0' });
    container.notify('not-running', { code: record.lastRun.exitCode });
    // Clients of `--rm` wait for the removal, whether it ever ran or not.
    if (record.hostConfig.AutoRemove) await removeEnded(context, container, { volumes: true });
    throw error;
  }
}

function requireStartable(container: Container): void {
  const { phase } = container;
  if (phase.name === 'running' && phase.paused) {
    throw conflict('cannot start a paused container, try unpause instead');
  }
  if (phase.name === 'running') throw notModified('container is already running');
  if (phase.name === 'removing' || phase.name === 'dead') {
    throw conflict('container is marked for removal and cannot be started');
  }
}
