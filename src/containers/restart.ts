import { announce } from './announce.ts';
import type { ContainerContext } from './context.ts';
import { abandonRestart } from './run.ts';
import { startOnce } from './start.ts';
import { type StopOptions, stopRunning } from './stop.ts';

/** Stops the container if it runs, and starts it again; its `--rm` does not apply in between. */
export async function restartContainer(
  context: ContainerContext,
  idOrName: string,
  options: StopOptions,
): Promise<void> {
  const container = context.store.get(idOrName);
  if (container.phase.name === 'restarting') await abandonRestart(context, container);
  if (container.phase.name === 'running') {
    container.keepsItself = true;
    try {
      await stopRunning(context, container, options);
    } finally {
      container.keepsItself = false;
    }
    announce(context, container, 'stop');
  }
  await context.queue.run(container.id, async () => {
    container.record.manuallyStopped = false;
    container.record.restartCount = 0;
    await startOnce(context, container);
  });
  announce(context, container, 'restart');
}
