import { invalidParameter } from '../base/index.ts';

/** One thing that can be wrong with a request, and what dockerd says of it. */
export type Check = readonly [isWrong: boolean, message: string];

/** Throws invalidParameter with the message of the first check that found something wrong. */
export function refuseFirst(checks: readonly Check[]): void {
  const failed = checks.find(([isWrong]) => isWrong);
  if (failed !== undefined) throw invalidParameter(failed[1]);
}
