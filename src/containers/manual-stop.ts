import { messageOf } from '../base/index.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { writeState } from './state-files.ts';

/**
 * Notes that a client wants the running container ended, so that its restart policy leaves it so: on disk as well, for
 * the engine may die before the container does. The container may have ended by itself when this resolves.
 */
export async function noteManualStop(context: ContainerContext, container: Container): Promise<void> {
  const { record } = container;
  record.manuallyStopped = true;
  const { Name: policy } = record.hostConfig.RestartPolicy;
  if (policy === '' || policy === 'no') return;
  await context.queue.run(container.id, async () => {
    if (container.phase.name !== 'running') return;
    // On a full disk the container must be stoppable all the same.
    await writeState(context.directories.containers, record).catch((error) =>
      context.log.error({ container: container.id, error: messageOf(error) }, 'a stop by hand was not written'),
    );
  });
}
