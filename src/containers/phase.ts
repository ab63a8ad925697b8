import { conflict } from '../base/index.ts';
import type { ContainerStateView } from '../contract/docker/index.ts';

/** Where a container is in its life. Docker's overlapping booleans are derived from this, never stored beside it. */
export type Phase =
  | { readonly name: 'created' }
  | { readonly name: 'running'; readonly pid: number; readonly paused: boolean }
  /** Ended, and waiting to be started again by its restart policy. */
  | { readonly name: 'restarting' }
  | { readonly name: 'exited' }
  | { readonly name: 'removing' }
  /** Could not be removed whole; only another removal is possible. */
  | { readonly name: 'dead' };

export type PhaseName = Phase['name'];

/** Which phases may follow which. */
const FOLLOWERS = {
  created: ['running', 'removing'],
  running: ['running', 'restarting', 'exited'],
  restarting: ['running', 'exited', 'removing'],
  exited: ['running', 'removing', 'restarting'],
  removing: ['dead'],
  dead: ['removing'],
} as const satisfies Record<PhaseName, readonly PhaseName[]>;

/** `next`, if it may follow `current`; a bug of ours otherwise. */
export function transition(current: Phase, next: Phase): Phase {
  const followers: readonly PhaseName[] = FOLLOWERS[current.name];
  if (followers.includes(next.name)) return next;
  throw new Error(`a container cannot go from ${current.name} to ${next.name}`);
}

/** What is remembered of the last time the container ran (or failed to start). */
export interface LastRun {
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly error: string;
  readonly oomKilled: boolean;
}

/** Docker's view of phase and last run (API definition `ContainerState`). */
export function stateView(phase: Phase, lastRun: LastRun): ContainerStateView {
  const running = phase.name === 'running' || phase.name === 'restarting';
  const paused = phase.name === 'running' && phase.paused;
  return {
    Status: paused ? 'paused' : phase.name,
    Running: running,
    Paused: paused,
    Restarting: phase.name === 'restarting',
    OOMKilled: lastRun.oomKilled,
    Dead: phase.name === 'dead',
    Pid: phase.name === 'running' ? phase.pid : 0,
    ExitCode: lastRun.exitCode,
    Error: lastRun.error,
    StartedAt: lastRun.startedAt,
    FinishedAt: lastRun.finishedAt,
  };
}

/** The phase that Docker's stored booleans mean; `removing` is read as dead, because a crash interrupted it. */
export function phaseOf(state: Omit<ContainerStateView, 'Status' | 'Health'> & { RemovalInProgress?: boolean }): Phase {
  if (state.Dead || state.RemovalInProgress === true) return { name: 'dead' };
  if (state.Restarting) return { name: 'restarting' };
  if (state.Running) return { name: 'running', pid: state.Pid, paused: state.Paused };
  const never = '0001-01-01T00:00:00Z';
  return state.StartedAt === never && state.FinishedAt === never ? { name: 'created' } : { name: 'exited' };
}

/** The pid of a running container; throws dockerd's conflict otherwise. */
export function requireRunning(id: string, phase: Phase): { pid: number; paused: boolean } {
  if (phase.name === 'running') return phase;
  throw conflict(`container ${id} is not running`);
}
