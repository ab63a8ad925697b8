import { channel } from 'node:diagnostics_channel';

/**
 * Every effect on the machine that would matter if the engine died around it is announced here: writing a state file,
 * applying a kernel operation, starting a program. Tracing tools subscribe to the channel; the crash tests do too, from
 * outside, and end the engine at each step in turn.
 */
const steps = channel('gantry.step');

/** One announced effect: what is about to be done, and to what. */
export interface Step {
  readonly action: string;
  readonly subject: string;
}

/** Announces that `action` is about to be done to `subject`. Costs nothing while nobody listens. */
export function announceStep(action: string, subject: string): void {
  if (steps.hasSubscribers) steps.publish({ action, subject } satisfies Step);
}

/** True while somebody listens to the announced steps. */
export function areStepsObserved(): boolean {
  return steps.hasSubscribers;
}
