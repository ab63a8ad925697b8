import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from './run-all.ts';
import { runStep, runTestFile } from './test-files.ts';

const ROOT = join(import.meta.dirname, '..');

/** What `npm run check` is made of: format, lint, types, tiers, tidy, unit tests. */
export function checkJobs(): Job[] {
  const node = process.execPath;
  return [
    step('types', node, 'node_modules/typescript/bin/tsc', '-p', '.'),
    step('format and lint', 'node_modules/.bin/biome', 'check', '--error-on-warnings', '.'),
    step('tiers', node, 'tools/check-tiers.ts'),
    step('tidy', node, 'tools/check-tidy.ts'),
    ...fileJobs('src/**/*.test.ts', 'tools/**/*.test.ts'),
  ];
}

/** What `npm test` runs besides: the shim's own tests, and those of the whole engine. */
export function furtherJobs(): Job[] {
  const shim = ['make', '--silent', '--no-print-directory', '-C', 'native/shim'] as const;
  return [
    step('shim: unit tests under the sanitizers', ...shim, 'test-unit'),
    step('shim: unit tests under valgrind', ...shim, 'valgrind'),
    step('shim: random input', ...shim, 'fuzz'),
    ...fileJobs('native/shim/test/*.test.ts', 'test/api/**/*.test.ts', 'test/system/**/*.test.ts'),
  ];
}

function step(name: string, ...argv: readonly [string, ...string[]]): Job {
  return { name, run: () => runStep(ROOT, name, argv) };
}

function fileJobs(...patterns: readonly string[]): Job[] {
  return globSync(patterns, { cwd: ROOT, exclude: (name) => name === 'node_modules' })
    .sort()
    .map((file) => ({ name: file, run: () => runTestFile(ROOT, file) }));
}
