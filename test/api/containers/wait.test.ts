import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('an exited container is answered at once', async () => {
  const { id } = await engine.run({ Cmd: 'exit 5' });
  const answer = await engine.expect(200, 'POST', `/containers/${id}/wait`);
  assert.deepEqual(answer.json(), { StatusCode: 5 });
});

test('not-running holds for a container that never ran', async () => {
  assert.equal(await engine.wait(await engine.create()), 0);
});

test('headers come before the exit', async () => {
  const id = await engine.start();
  const waiting = await engine.stream('POST', `/containers/${id}/wait`);
  assert.equal(waiting.status, 200);
  assert.equal(waiting.received.text, '');
  await engine.expect(204, 'POST', `/containers/${id}/kill`);
  await waiting.received.end();
  assert.deepEqual(JSON.parse(waiting.received.text), { StatusCode: 137 });
});

test('next-exit waits for the next end even of a container that has exited', async () => {
  const { id } = await engine.run({ Cmd: 'test -e /again && exit 2; touch /again; exit 1' });
  const waiting = await engine.stream('POST', `/containers/${id}/wait?condition=next-exit`);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  await waiting.received.end();
  assert.deepEqual(JSON.parse(waiting.received.text), { StatusCode: 2 });
});

test('removed waits for the removal', async () => {
  const { id } = await engine.run({ Cmd: 'exit 4' });
  const waiting = await engine.stream('POST', `/containers/${id}/wait?condition=removed`);
  await engine.expect(204, 'DELETE', `/containers/${id}`);
  await waiting.received.end();
  assert.deepEqual(JSON.parse(waiting.received.text), { StatusCode: 4 });
});

test('many can wait for one', async () => {
  const id = await engine.start();
  const waiting = Array.from({ length: 10 }, () => engine.wait(id));
  await engine.expect(204, 'POST', `/containers/${id}/kill?signal=TERM`);
  assert.deepEqual(await Promise.all(waiting), Array(10).fill(0));
});

test('what is refused', async () => {
  const missing = await engine.http('POST', '/containers/nope/wait');
  assert.deepEqual([missing.status, missing.message], [404, 'No such container: nope']);
  const condition = await engine.http('POST', `/containers/${await engine.create()}/wait?condition=nope`);
  assert.deepEqual([condition.status, condition.message], [400, 'invalid condition: "nope"']);
});
