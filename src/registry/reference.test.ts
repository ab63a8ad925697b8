import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familiarString, fullString, parseAnyReference, parseReference, withDefaultTag, withTag } from './reference.ts';

const HEX = '1'.repeat(64);

test('names are completed as Docker completes them', () => {
  const cases: [given: string, full: string, familiar: string][] = [
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['busybox:1', 'docker.io/library/busybox:1', 'busybox:1'],
    ['user/app', 'docker.io/user/app', 'user/app'],
    ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/a/b:c', 'docker.io/a/b:c', 'a/b:c'],
    ['localhost/x', 'localhost/x', 'localhost/x'],
    ['localhost:5000/x:y', 'localhost:5000/x:y', 'localhost:5000/x:y'],
    ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c'],
    ['[::1]:5000/x', '[::1]:5000/x', '[::1]:5000/x'],
    ['FOO/bar', 'FOO/bar', 'FOO/bar'],
    [`a@sha256:${HEX}`, `docker.io/library/a@sha256:${HEX}`, `a@sha256:${HEX}`],
    [`a:t@sha256:${HEX}`, `docker.io/library/a:t@sha256:${HEX}`, `a:t@sha256:${HEX}`],
    ['sha256:1111', 'docker.io/library/sha256:1111', 'sha256:1111'],
    ['a__b/c--d/e.f_g', 'docker.io/a__b/c--d/e.f_g', 'a__b/c--d/e.f_g'],
  ];
  for (const [given, full, familiar] of cases) {
    assert.equal(fullString(parseReference(given)), full);
    assert.equal(familiarString(parseReference(given)), familiar);
  }
  assert.equal(familiarString(withDefaultTag(parseReference('a'))), 'a:latest');
});

test('bad names are refused in dockerd’s words', () => {
  const cases: [given: string, message: string][] = [
    ['Foo', 'invalid reference format: repository name (library/Foo) must be lowercase'],
    ['127.0.0.1:5000/Foo', 'invalid reference format: repository name (Foo) must be lowercase'],
    ['a:b:c', 'invalid reference format'],
    ['', 'invalid reference format'],
    ['a//b', 'invalid reference format'],
    ['../x', 'invalid reference format'],
    ['a:', 'invalid reference format'],
    [`a@sha256:${'1'.repeat(40)}`, 'invalid reference format: invalid checksum digest length'],
    [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
    ['a/'.repeat(140).concat('b'), 'invalid reference format: repository name must not be more than 255 characters'],
  ];
  for (const [given, message] of cases)
    assert.throws(() => parseReference(given), { kind: 'invalidParameter', message });
  assert.throws(() => withTag(parseReference('a'), 'b!'), { message: 'invalid tag format' });
});

test('an id is an id, with or without its algorithm', () => {
  assert.deepEqual(parseAnyReference(HEX), { id: `sha256:${HEX}` });
  assert.deepEqual(parseAnyReference(`sha256:${HEX}`), { id: `sha256:${HEX}` });
});
