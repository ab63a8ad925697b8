import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RestartPolicy } from '../contract/docker/index.ts';
import { planRestart } from './restart-policy.ts';

const policy = (Name: RestartPolicy['Name'], MaximumRetryCount = 0): RestartPolicy => ({ Name, MaximumRetryCount });
const exit = (changes: Partial<Parameters<typeof planRestart>[1]> = {}) => ({
  code: 1,
  ranForMs: 5,
  manuallyStopped: false,
  restarts: 0,
  previousDelayMs: 0,
  ...changes,
});

test('the delay starts at 100 ms, doubles, stops at a minute, and is forgotten after a good run', () => {
  const delay = (previousDelayMs: number, ranForMs = 5) =>
    planRestart(policy('always'), exit({ previousDelayMs, ranForMs }))?.delayMs;
  assert.deepEqual(
    [delay(0), delay(100), delay(200), delay(51_200), delay(60_000), delay(60_000, 10_000)],
    [100, 200, 400, 60_000, 60_000, 100],
  );
});

test('on-failure restarts failures only, and so many times', () => {
  assert.equal(planRestart(policy('on-failure'), exit({ code: 0 })), undefined);
  assert.deepEqual(planRestart(policy('on-failure', 3), exit({ restarts: 2 })), { delayMs: 100 });
  assert.equal(planRestart(policy('on-failure', 3), exit({ restarts: 3 })), undefined);
});

test('nothing restarts what was stopped by hand', () => {
  for (const name of ['always', 'unless-stopped', 'on-failure'] as const) {
    assert.equal(planRestart(policy(name), exit({ manuallyStopped: true })), undefined);
  }
});
