import { conflict } from '../base/index.ts';
import { announce } from './announce.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { requireRunning } from './phase.ts';
import { abandonRestart } from './run.ts';
import { parseSignal, SIGKILL } from './signals.ts';

/**
 * Sends a signal to the container's first process. Throws notFound, conflict if it is not running, invalidParameter for
 * an unknown signal.
 * @param signal name or number; empty: SIGKILL
 */
export async function killContainer(context: ContainerContext, idOrName: string, signal: string): Promise<void> {
  const number = signal === '' ? SIGKILL : parseSignal(signal);
  const container = context.store.get(idOrName);
  if (container.phase.name === 'restarting') {
    await abandonRestart(context, container);
    return;
  }
  if (container.phase.name !== 'running') {
    throw conflict(`cannot kill container: ${idOrName}: container ${container.id} is not running`);
  }
  const stopSignal = container.record.config.StopSignal;
  // A client that kills with the signal that ends the container wants it ended: no restart (moby `daemon/kill.go`).
  if (number === SIGKILL || number === parseSignal(stopSignal || 'TERM')) container.record.manuallyStopped = true;
  const ended = number === SIGKILL ? nextExit(container) : Promise.resolve();
  await sendSignal(context, container, number);
  await ended;
}

/** Sends the signal and announces it; a frozen container is thawed first if the signal shall end it. */
export async function sendSignal(context: ContainerContext, container: Container, signal: number): Promise<void> {
  const { paused } = requireRunning(container.id, container.phase);
  await container.process?.signal(signal);
  if (paused && signal === SIGKILL) {
    await context.runtimeNamed(container.record.hostConfig.Runtime).resume(container.id);
  }
  announce(context, container, 'kill', { signal: String(signal) });
}

/** Resolves when the present run has ended and been taken down. */
export function nextExit(container: Container): Promise<void> {
  return new Promise((resolve) => {
    container.onNext('next-exit', () => resolve());
  });
}
