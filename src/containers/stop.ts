import { notModified, prefixed } from '../base/index.ts';
import { announce } from './announce.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { noteManualStop } from './manual-stop.ts';
import { abandonRestart } from './run.ts';
import { nextExit, sendSignal } from './send-signal.ts';
import { parseSignal, SIGKILL } from './signals.ts';

/** Docker's grace period between the stop signal and SIGKILL. */
const DEFAULT_STOP_SECONDS = 10;

export interface StopOptions {
  /** Overrides the container's stop signal. */
  readonly signal: string;
  /** Seconds until SIGKILL; negative: for ever; undefined: the container's own StopTimeout. */
  readonly timeout: number | undefined;
}

/** Ends a running container, gently and then not. Throws notModified if it does not run. */
export async function stopContainer(context: ContainerContext, idOrName: string, options: StopOptions): Promise<void> {
  const container = context.store.get(idOrName);
  if (container.phase.name === 'restarting') {
    container.record.manuallyStopped = true;
    await abandonRestart(context, container);
    return;
  }
  if (container.phase.name !== 'running') throw notModified('container is already stopped');
  await stopRunning(context, container, options).catch((error) => {
    throw prefixed(error, `cannot stop container: ${container.id}: `, 'system');
  });
  announce(context, container, 'stop');
}

/** Ends a running container and waits until its run has been taken down. */
export async function stopRunning(
  context: ContainerContext,
  container: Container,
  options: StopOptions,
): Promise<void> {
  const { config } = container.record;
  const signal = parseSignal(options.signal || config.StopSignal || 'TERM');
  const seconds = options.timeout ?? config.StopTimeout ?? DEFAULT_STOP_SECONDS;
  const ended = nextExit(container);
  await noteManualStop(context, container);
  if (container.phase.name !== 'running') return ended;
  if (container.phase.paused) {
    await context.runtimeNamed(container.record.hostConfig.Runtime).resume(container.id);
  }
  await sendSignal(context, container, signal);
  if (seconds < 0) return ended;
  const timer = setTimeout(() => {
    if (container.phase.name !== 'running') return;
    sendSignal(context, container, SIGKILL).catch((error) =>
      context.log.warn({ container: container.id, error }, 'a container could not be killed'),
    );
  }, seconds * 1000);
  await ended.finally(() => clearTimeout(timer));
}
