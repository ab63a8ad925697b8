import { messageOf } from '../base/index.ts';
import { announce } from './announce.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { requireRunning } from './phase.ts';
import { SIGKILL } from './signals.ts';

/** Sends the signal and announces it; a frozen container is thawed if the signal shall end it. */
export async function sendSignal(context: ContainerContext, container: Container, signal: number): Promise<void> {
  const { paused } = requireRunning(container.id, container.phase);
  // A shim that has left has seen the process end: that end is on its way, and nothing is left to signal.
  await container.process?.signal(signal).catch((error) => {
    context.log.debug({ container: container.id, error: messageOf(error) }, 'a signal came too late');
  });
  // Version 1 withholds even SIGKILL until the thaw. Version 2 delivers it to frozen processes (cgroup-v2.rst,
  // cgroup.freeze), and a runtime that is asked to thaw what has ended by then refuses.
  if (paused && signal === SIGKILL && context.limits.cgroupVersion === 1) {
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
