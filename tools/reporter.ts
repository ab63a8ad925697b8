/** A reporter for node:test: one line of JSON for each finished test, for `tools/test-files.ts` to add up. */
import type { TestEvent } from 'node:test/reporters';

/** What became of one test. */
export interface TestOutcome {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** Milliseconds. */
  readonly duration: number;
  readonly error?: string;
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const event of events) {
    if (event.type === 'test:start') {
      names.length = event.data.nesting;
      names.push(event.data.name);
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { name, nesting, skip, details } = event.data;
    const isSuite = details.type === 'suite';
    const hasFailed = event.type === 'test:fail';
    if (isSuite && !(hasFailed && isOwnFailure(details))) continue;
    const isSkipped = skip !== undefined && skip !== false;
    const outcome: TestOutcome = {
      name: [...names.slice(0, nesting), name].join(' › '),
      state: hasFailed ? 'failed' : isSkipped ? 'skipped' : 'passed',
      duration: details.duration_ms,
      ...(hasFailed && 'error' in details && { error: describe(details.error) }),
    };
    yield `${JSON.stringify(outcome)}\n`;
  }
}

/** A suite whose tests failed counts only by them; one whose hook failed counts itself. */
function isOwnFailure(details: object): boolean {
  const error = 'error' in details ? details.error : undefined;
  return error instanceof Error && Reflect.get(error, 'failureType') !== 'subtestsFailed';
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.stack ?? cause.message;
}
