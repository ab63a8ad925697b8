import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';

function feed(keys: string, chunks: readonly string[]) {
  const filter = new DetachFilter(parseDetachKeys(keys));
  let passed = '';
  for (const chunk of chunks) {
    const result = filter.push(Buffer.from(chunk));
    passed += result.passed.toString();
    if (result.detached) return { passed, detached: true };
  }
  return { passed, detached: false };
}

test('the default sequence detaches, also in pieces, and is not passed on', () => {
  assert.deepEqual(feed('', ['ab\x10\x11cd']), { passed: 'ab', detached: true });
  assert.deepEqual(feed('', ['ab\x10', '\x11']), { passed: 'ab', detached: true });
});

test('a sequence broken off is passed on whole', () => {
  assert.deepEqual(feed('', ['a\x10b']), { passed: 'a\x10b', detached: false });
  assert.deepEqual(feed('', ['\x10', '\x10\x11']), { passed: '\x10', detached: true });
  assert.deepEqual(feed('a,b', ['xaab']), { passed: 'xa', detached: true });
});

test('malformed keys are refused with dockerd’s words', () => {
  assert.throws(() => parseDetachKeys('ctrl-1'), { message: 'Invalid detach keys (ctrl-1) provided' });
});
