import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { containerBody } from './container-body.ts';
import { CONTAINER_FLAGS } from './container-flags.ts';
import { parseArguments } from './parse.ts';

const body = (...words: string[]) => {
  const { flags, changed, operands } = parseArguments(CONTAINER_FLAGS, words, { optionsFirst: true });
  const [image = '', ...command] = operands;
  return containerBody({ image, command, flags, changed });
};

test('a plain container attaches output and leaves the rest to the image', () => {
  const plain = body('busybox');
  assert.deepEqual(
    [plain.AttachStdin, plain.AttachStdout, plain.AttachStderr, plain.Cmd, plain.Entrypoint],
    [false, true, true, null, null],
  );
  assert.equal(plain.HostConfig?.NetworkMode, 'default');
});

test('input, streams and entrypoint', () => {
  const interactive = body('-i', 'busybox', 'cat', '-');
  assert.deepEqual([interactive.OpenStdin, interactive.StdinOnce, interactive.Cmd], [true, true, ['cat', '-']]);
  const some = body('-a', 'STDERR', 'busybox');
  assert.deepEqual([some.AttachStdout, some.AttachStderr], [false, true]);
  assert.deepEqual(body('--entrypoint', '', 'busybox').Entrypoint, ['']);
});

test('files of variables come before the flags', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-cli-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'env');
  writeFileSync(file, '# comment\nA=1\n\nB=two words\nGANTRY_TEST_UNSET\n');
  assert.deepEqual(body('--env-file', file, '-e', 'C=3', 'busybox').Env, ['A=1', 'B=two words', 'C=3']);
  writeFileSync(file, 'A B=1\n');
  assert.throws(() => body('--env-file', file, 'busybox'), {
    message: `invalid env file (${file}): variable 'A B' contains whitespaces`,
  });
});

test('limits and host settings reach the fields of the API', () => {
  const host = body(
    '-m',
    '64m',
    '--cpus',
    '1.5',
    '--pids-limit',
    '20',
    '--init',
    '--restart',
    'on-failure:3',
    '--sysctl',
    'net.a=1',
    'x',
  ).HostConfig;
  assert.deepEqual([host?.Memory, host?.NanoCpus, host?.PidsLimit, host?.Init], [67108864, 1500000000, 20, true]);
  assert.deepEqual(host?.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
  assert.deepEqual(host?.Sysctls, { 'net.a': '1' });
});

test('flags that contradict each other are refused', () => {
  assert.throws(() => body('--rm', '--restart', 'always', 'x'), {
    message: 'conflicting options: cannot specify both --restart and --rm',
  });
  assert.throws(() => body('--no-healthcheck', '--health-cmd', 'a', 'x'), {
    message: '--no-healthcheck conflicts with --health-* options',
  });
  assert.throws(() => body('--pid', 'foo', 'x'), { message: '--pid: invalid PID mode' });
  assert.throws(() => body('--memory-swappiness', '200', 'x'), {
    message: 'invalid value: 200. Valid memory swappiness range is 0-100',
  });
});
