import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePlatform, formatPlatform, parsePlatform } from './platform.ts';

const offer = (text: string) => ({ platform: parsePlatform(text), text });

test('platforms are read in every spelling', () => {
  assert.equal(formatPlatform(parsePlatform('linux/x86_64')), 'linux/amd64');
  assert.equal(formatPlatform(parsePlatform('linux/aarch64')), 'linux/arm64');
  assert.equal(formatPlatform(parsePlatform('linux/arm64/v8')), 'linux/arm64');
  assert.equal(formatPlatform(parsePlatform('linux/arm')), 'linux/arm/v7');
  assert.equal(formatPlatform(parsePlatform('arm64')), 'linux/arm64');
  assert.throws(() => parsePlatform('foo/bar/baz/x'), {
    message: '"foo/bar/baz/x": cannot parse platform specifier: invalid argument',
  });
});

test('the best platform that can run is chosen', () => {
  const offers = ['linux/386', 'linux/arm/v6', 'linux/arm/v7', 'linux/amd64', 'linux/arm64', 'windows/amd64'].map(
    offer,
  );
  const chosen = (wanted: string, from = offers) => choosePlatform(parsePlatform(wanted), from)?.text;
  assert.equal(chosen('linux/amd64'), 'linux/amd64');
  assert.equal(chosen('linux/arm64'), 'linux/arm64');
  assert.equal(chosen('linux/arm/v7'), 'linux/arm/v7');
  assert.equal(chosen('linux/arm/v6'), 'linux/arm/v6');
  assert.equal(chosen('linux/arm/v5'), undefined);
  assert.equal(chosen('linux/s390x'), undefined);
  assert.equal(chosen('linux/amd64', [offer('linux/386')]), 'linux/386');
  assert.equal(chosen('linux/arm64', [offer('linux/arm/v6'), offer('linux/arm/v7')]), 'linux/arm/v7');
});
