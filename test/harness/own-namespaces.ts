import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const INSIDE = 'GANTRY_TEST_INSIDE_OWN_NAMESPACES';

/** Readable text and, for the runner of all tests, what it adds up (tools/test-files.ts). */
function reporters(): string[] {
  const { GANTRY_TEST_REPORTER: reporter, GANTRY_TEST_RESULTS: results } = process.env;
  const readable = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
  if (reporter === undefined || results === undefined) return readable;
  return [...readable, `--test-reporter=${reporter}`, `--test-reporter-destination=${results}`];
}

/**
 * For test files that change mounts and networks: `if (inOwnNamespaces(import.meta.url)) { test(…) … }`. The first time
 * it is false, and one test runs the file again in mount and network namespaces of its own, with loopback up and a
 * private, writable /run; there it is true.
 */
export function inOwnNamespaces(file: string): boolean {
  if (process.env[INSIDE] === '1') return true;
  test('in namespaces of its own', async () => {
    // NODE_TEST_CONTEXT would make the inner run report to a parent that is not there.
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const setUp = 'ip link set lo up && mount -t tmpfs run /run && exec "$@"';
    const program = [process.execPath, ...reporters(), '--test', fileURLToPath(file)];
    const child = spawn(
      'unshare',
      ['--mount', '--net', '--propagation', 'private', 'sh', '-c', setUp, 'sh', ...program],
      {
        env: { ...environment, [INSIDE]: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    for await (const chunk of child.stdout) output += chunk;
    const status = child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)));
    if (status !== 0) assert.fail(output);
    console.log(output);
  });
  return false;
}
