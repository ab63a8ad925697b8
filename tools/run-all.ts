import { cpus } from 'node:os';
import type { Count, FileResult } from './test-files.ts';

/** One thing to run: a test file, or a program that counts as one test. */
export interface Job {
  readonly name: string;
  readonly run: () => Promise<FileResult>;
}

/** Many tests wait rather than compute, so one more at a time than there are processors keeps all of them busy. */
const PARALLEL = cpus().length + 1;

/** Runs the jobs, several at a time, prints a line for each and what failed, and resolves to the sums. */
export async function runAll(jobs: readonly Job[]): Promise<Count> {
  const total: Count = { passed: 0, failed: 0, skipped: 0 };
  const waiting = [...jobs];
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const result = await job.run();
      for (const { state } of result.outcomes) total[state] += 1;
      process.stdout.write(renderResult(job.name, result));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return total;
}

/** The last line of a run. */
export function renderCount({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
}

function renderResult(name: string, { outcomes, output, duration }: FileResult): string {
  const failures = outcomes.filter(({ state }) => state === 'failed');
  const count = outcomes.length === 1 ? '' : ` (${outcomes.length})`;
  const head = `${failures.length === 0 ? 'ok  ' : 'FAIL'} ${name}${count} ${duration.toFixed(1)} s\n`;
  if (failures.length === 0) return head;
  const details = failures.map((failure) => `  ✗ ${failure.name}\n${indent(failure.error ?? '')}`);
  const said = output.trim() === '' ? '' : `  it wrote:\n${indent(output.trimEnd())}`;
  return `${head}${details.join('')}${said}`;
}

function indent(text: string): string {
  return `${text.replace(/^/gm, '      ')}\n`;
}
