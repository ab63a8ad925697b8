import type { Job } from './run-all.ts';

/** The jobs whose name contains one of the words; all of them if there are no words. Throws if none fits. */
export function selectJobs(jobs: readonly Job[], words: readonly string[]): readonly Job[] {
  if (words.length === 0) return jobs;
  const selected = jobs.filter(({ name }) => words.some((word) => name.includes(word)));
  if (selected.length === 0) throw new Error(`no test is called ${words.join(' or ')}`);
  return selected;
}
