import type { RestartPolicy } from '../contract/docker/index.ts';

// Docker's documented back-off: 100 ms, doubled each time, at most a minute, forgotten after ten good seconds.
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 60_000;
const GOOD_RUN_MS = 10_000;

/** What to do after an exit: how long to wait before the next start, or undefined to leave it ended. */
export function planRestart(
  policy: RestartPolicy,
  exit: {
    readonly code: number;
    readonly ranForMs: number;
    readonly manuallyStopped: boolean;
    /** Restarts since the container was last started by hand. */
    readonly restarts: number;
    /** The delay before the start that has now ended, or 0. */
    readonly previousDelayMs: number;
  },
): { delayMs: number } | undefined {
  if (exit.manuallyStopped || !isWanted(policy, exit)) return undefined;
  if (exit.previousDelayMs === 0 || exit.ranForMs >= GOOD_RUN_MS) return { delayMs: FIRST_DELAY_MS };
  return { delayMs: Math.min(LAST_DELAY_MS, exit.previousDelayMs * 2) };
}

function isWanted(policy: RestartPolicy, exit: { code: number; restarts: number }): boolean {
  switch (policy.Name) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return exit.code !== 0 && (policy.MaximumRetryCount === 0 || exit.restarts < policy.MaximumRetryCount);
    default:
      return false;
  }
}

/** True if a container that is not running shall be started with the engine. */
export function startsWithEngine(
  policy: RestartPolicy,
  container: {
    manuallyStopped: boolean;
    startedBefore: boolean;
    exitCode: number;
    wasRunning: boolean;
    restarts: number;
  },
): boolean {
  switch (policy.Name) {
    case 'always':
      return container.startedBefore;
    case 'unless-stopped':
      return container.startedBefore && !container.manuallyStopped;
    case 'on-failure':
      return container.wasRunning && isWanted(policy, { code: container.exitCode, restarts: container.restarts });
    default:
      return false;
  }
}
