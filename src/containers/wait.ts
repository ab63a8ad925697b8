import { invalidParameter } from '../base/index.ts';
import type { WaitCondition } from './container.ts';
import type { ContainerContext } from './context.ts';

/**
 * Waits until `condition` holds and gives the exit code. The registration is complete when this returns, before the
 * promise in it settles, so that a client told so may start the container.
 */
export function waitForContainer(
  context: ContainerContext,
  idOrName: string,
  condition: WaitCondition,
  signal: AbortSignal,
): { readonly ended: Promise<{ code: number; error?: string } | undefined> } {
  const container = context.store.get(idOrName);
  const { phase, lastRun } = container.record;
  const idle = phase.name !== 'running' && phase.name !== 'restarting';
  if (condition === 'not-running' && idle) return { ended: Promise.resolve({ code: lastRun.exitCode }) };
  const ended = new Promise<{ code: number; error?: string } | undefined>((resolve) => {
    const stop = container.onNext(condition, resolve);
    signal.addEventListener('abort', () => {
      stop();
      resolve(undefined);
    });
  });
  return { ended };
}

/** The condition of that name; throws invalidParameter for another. */
export function parseWaitCondition(text: string): WaitCondition {
  if (text === '') return 'not-running';
  if (text === 'not-running' || text === 'next-exit' || text === 'removed') return text;
  throw invalidParameter(`invalid condition: "${text}"`);
}
