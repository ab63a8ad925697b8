import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandFailure } from './command-failure.ts';

/** What a runtime says, the command, the folder there is, and what is made of it. */
const cases: readonly (readonly [string, string, string, string | undefined])[] = [
  [
    'executable file `nope` not found in $PATH: No such file or directory',
    'nope',
    '',
    'exec: "nope": executable file not found in $PATH',
  ],
  ['exec: "nope": executable file not found in $PATH', 'nope', '', 'exec: "nope": executable file not found in $PATH'],
  ['open executable: Operation not permitted', '/etc/passwd', '/etc', 'exec: "/etc/passwd": permission denied'],
  ['open executable: Permission denied', '/etc', '/etc', 'exec: "/etc": is a directory'],
  ['the path `/etc` is not a regular file: Operation not permitted', '/etc', '/etc', 'exec: "/etc": is a directory'],
  [
    'the path `/dev/null` is not a regular file: Operation not permitted',
    '/dev/null',
    '/dev',
    'exec: "/dev/null": permission denied',
  ],
  ['exec /a: exec format error', '/a', '', 'exec: "/a": exec format error'],
  ['write to cgroup file: Operation not permitted', 'true', '', undefined],
];

for (const [said, command, folder, text] of cases)
  test(`a start that failed: ${said}`, () => {
    const failure = commandFailure(said, command, (path) => path === folder);
    assert.equal(failure?.text, text && `unable to start container process: ${text}`);
  });
