import { conflict, systemError } from '../base/index.ts';
import { announce } from './announce.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { writeState } from './state-files.ts';

/** Freezes every process of a running container. Throws conflict if it is not running or already paused. */
export function pauseContainer(context: ContainerContext, idOrName: string): Promise<void> {
  return change(context, idOrName, true);
}

/** Lets a paused container go on. Throws conflict if it is not paused. */
export function unpauseContainer(context: ContainerContext, idOrName: string): Promise<void> {
  return change(context, idOrName, false);
}

async function change(context: ContainerContext, idOrName: string, pause: boolean): Promise<void> {
  const container = context.store.get(idOrName);
  await context.queue.run(container.id, async () => {
    const pid = requireChangeable(container, pause);
    const runtime = context.runtimeNamed(container.record.hostConfig.Runtime);
    await (pause ? runtime.pause(container.id) : runtime.resume(container.id));
    container.enter({ name: 'running', pid, paused: pause });
    await writeState(context.directories.containers, container.record);
    announce(context, container, pause ? 'pause' : 'unpause');
  });
}

function requireChangeable(container: Container, pause: boolean): number {
  const { phase, id } = container;
  if (phase.name === 'restarting') {
    throw conflict(`Container ${id} is restarting, wait until the container is running`);
  }
  if (pause && phase.name !== 'running') throw conflict(`container ${id} is not running`);
  // dockerd counts this one as its own failure.
  if (phase.name !== 'running' || (!pause && !phase.paused)) throw systemError(`Container ${id} is not paused`);
  if (pause && phase.paused) throw conflict(`Container ${id} is already paused`);
  return phase.pid;
}
