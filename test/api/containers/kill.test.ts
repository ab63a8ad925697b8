import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
const UNTIL_KILLED = ['sleep', '1000'];

test('SIGKILL is the default; the exit code says so', async () => {
  const id = await engine.start({ Cmd: UNTIL_KILLED });
  await engine.expect(204, 'POST', `/containers/${id}/kill`);
  assert.equal(await engine.wait(id), 137);
});

/** Ways to name a signal, and the number the trap of the container reports. */
for (const [signal, number] of [
  ['SIGHUP', 1],
  ['hup', 1],
  ['USR1', 10],
  ['sigusr2', 12],
  ['15', 15],
  ['SIGRTMIN+2', 36],
] as const)
  test(`signal ${signal}`, async () => {
    const id = await engine.start({ Cmd: `trap "exit ${number}" ${number}; echo ready; while :; do sleep 0.02; done` });
    const log = await engine.stream('GET', `/containers/${id}/logs?follow=1&stdout=1`);
    await log.received.contains('ready');
    await engine.expect(204, 'POST', `/containers/${id}/kill?signal=${encodeURIComponent(signal)}`);
    assert.equal(await engine.wait(id), number);
  });

test('a signal the container survives changes nothing', async () => {
  const id = await engine.start({ Cmd: 'trap "echo caught" USR1; echo ready; while :; do sleep 0.02; done' });
  const log = await engine.stream('GET', `/containers/${id}/logs?follow=1&stdout=1`);
  await log.received.contains('ready');
  await engine.expect(204, 'POST', `/containers/${id}/kill?signal=USR1`);
  await log.received.contains('caught');
  log.close();
  assert.equal((await engine.inspect(id)).State.Running, true);
});

test('a killed container is not restarted by its policy', async () => {
  const id = await engine.start({
    Cmd: UNTIL_KILLED,
    HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
  });
  await engine.expect(204, 'POST', `/containers/${id}/kill`);
  assert.equal(await engine.wait(id), 137);
  assert.equal((await engine.inspect(id)).State.Status, 'exited');
});

test('what is refused', async () => {
  const created = await engine.create();
  const running = await engine.start();
  const expected: readonly (readonly [string, number, string])[] = [
    ['nope/kill', 404, 'cannot kill container: nope: No such container: nope'],
    [`${created}/kill`, 409, `cannot kill container: ${created}: container ${created} is not running`],
    [`${running}/kill?signal=NOPE`, 400, `cannot kill container: ${running}: invalid signal: NOPE`],
    [`${running}/kill?signal=0`, 400, `cannot kill container: ${running}: invalid signal: 0`],
    [
      `${running}/kill?signal=99`,
      400,
      `cannot kill container: ${running}: the linux daemon does not support signal 99`,
    ],
  ];
  for (const [path, status, message] of expected) {
    const answer = await engine.http('POST', `/containers/${path}`);
    assert.deepEqual([answer.status, answer.message], [status, message]);
  }
});
