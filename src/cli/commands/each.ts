/** What commands with several operands share. */

import { isNotFound } from '../client/engine-error.ts';
import { ExitError } from '../command.ts';
import { messageOf } from '../failure.ts';
import type { Session } from '../session.ts';

/** How to treat operands that do not exist. */
export interface EachOptions {
  /** Missing objects are reported, but the command succeeds (`rm -f`). */
  readonly missingIsFine?: boolean;
}

/**
 * Runs `act` on every operand at once and prints the results in the order of the operands: what `act` returns (by
 * default the operand) on standard output, errors together at the end. Resolves to the exit code.
 */
export async function forEachOperand(
  session: Session,
  operands: readonly string[],
  act: (operand: string) => Promise<string | undefined>,
  options: EachOptions = {},
): Promise<number> {
  const results = await Promise.allSettled(operands.map(act));
  const failures: unknown[] = [];
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') session.output.out(`${result.value ?? operands[index]}\n`);
    else failures.push(result.reason);
  }
  if (failures.length === 0) return 0;
  const text = failures.map(messageOf).join('\n');
  if (options.missingIsFine && failures.every(isNotFound)) {
    session.output.error(`${text}\n`);
    return 0;
  }
  throw new ExitError(text, 1);
}

/** A path segment: a name or id as the API takes it in a URL. */
export function segment(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}

/** Refuses an empty name, as docker's client does before it asks the engine. */
export function containerSegment(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '') throw new Error('invalid container name or ID: value is empty');
  return segment(trimmed);
}
