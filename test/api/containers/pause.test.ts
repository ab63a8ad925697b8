import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('a paused container does nothing until it is unpaused', async () => {
  const id = await engine.start({ Cmd: 'while :; do echo tick; sleep 0.02; done' });
  const log = await engine.stream('GET', `/containers/${id}/logs?follow=1&stdout=1`);
  await log.received.contains('tick');
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  const { State } = await engine.inspect(id);
  assert.deepEqual([State.Status, State.Paused, State.Running], ['paused', true, true]);
  const written = (await engine.logs(id)).stdout.length;
  await new Promise((resolve) => setTimeout(resolve, 200)); // ten ticks' time, in which none may come
  assert.equal((await engine.logs(id)).stdout.length, written);
  await engine.expect(204, 'POST', `/containers/${id}/unpause`);
  await log.received.until(({ output }) => output.stdout.length > written);
  log.close();
  assert.equal((await engine.inspect(id)).State.Status, 'running');
});

test('a paused container can be killed', async () => {
  const id = await engine.start();
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  await engine.expect(204, 'POST', `/containers/${id}/kill`);
  assert.equal(await engine.wait(id), 137);
  assert.equal((await engine.inspect(id)).State.Paused, false);
});

test('what is refused', async () => {
  const created = await engine.create();
  const running = await engine.start();
  const paused = await engine.start();
  await engine.expect(204, 'POST', `/containers/${paused}/pause`);
  const expected: readonly (readonly [string, number, string])[] = [
    ['nope/pause', 404, 'No such container: nope'],
    ['nope/unpause', 404, 'No such container: nope'],
    [`${created}/pause`, 409, `container ${created} is not running`],
    [`${running}/unpause`, 500, `Container ${running} is not paused`],
    [`${paused}/pause`, 409, `Container ${paused} is already paused`],
  ];
  for (const [path, status, message] of expected) {
    const answer = await engine.http('POST', `/containers/${path}`);
    assert.deepEqual([answer.status, answer.message], [status, message]);
  }
  const exec = await engine.http('POST', `/containers/${paused}/exec`, { Cmd: ['true'] });
  assert.deepEqual(
    [exec.status, exec.message],
    [409, `Container ${paused} is paused, unpause the container before exec`],
  );
});
