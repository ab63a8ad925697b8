import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('SIGTERM ends the container, its exit code is kept', async () => {
  const id = await engine.start({ Cmd: 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done' });
  await engine.expect(204, 'POST', `/containers/${id}/stop`);
  const { State } = await engine.inspect(id);
  assert.deepEqual([State.Status, State.ExitCode, State.Pid, State.OOMKilled], ['exited', 7, 0, false]);
});

test('a container that ignores SIGTERM is killed after t seconds', async () => {
  const id = await engine.start({ Cmd: 'trap "" TERM; while :; do sleep 0.05; done' });
  const begun = Date.now();
  await engine.expect(204, 'POST', `/containers/${id}/stop?t=1`);
  const elapsed = Date.now() - begun;
  assert.ok(elapsed >= 1000 && elapsed < 6000, `${elapsed} ms`);
  assert.equal((await engine.inspect(id)).State.ExitCode, 137);
});

test('t=0 kills at once', async () => {
  const id = await engine.start({ Cmd: 'trap "" TERM; while :; do sleep 0.05; done' });
  await engine.expect(204, 'POST', `/containers/${id}/stop?t=0`);
  assert.equal((await engine.inspect(id)).State.ExitCode, 137);
});

test('the container’s own stop signal and timeout are used', async () => {
  const Cmd = 'trap "exit 3" USR1; trap "" TERM; while :; do sleep 0.05; done';
  const id = await engine.start({ Cmd, StopSignal: 'SIGUSR1', StopTimeout: 20 });
  await engine.exec(id, 'true');
  await engine.expect(204, 'POST', `/containers/${id}/stop`);
  assert.equal((await engine.inspect(id)).State.ExitCode, 3);
  const stubborn = await engine.start({ Cmd: 'trap "" TERM; while :; do sleep 0.05; done', StopTimeout: 1 });
  await engine.expect(204, 'POST', `/containers/${stubborn}/stop`);
  assert.equal((await engine.inspect(stubborn)).State.ExitCode, 137);
});

test('a signal in the request comes first', async () => {
  const id = await engine.start({ Cmd: 'trap "exit 4" HUP; trap "" TERM; while :; do sleep 0.05; done' });
  await engine.exec(id, 'true');
  await engine.expect(204, 'POST', `/containers/${id}/stop?signal=SIGHUP&t=10`);
  assert.equal((await engine.inspect(id)).State.ExitCode, 4);
});

test('a stopped container needs nothing', async () => {
  const id = await engine.create();
  assert.equal((await engine.http('POST', `/containers/${id}/stop`)).status, 304);
  const ended = await engine.run({ Cmd: 'true' });
  assert.equal((await engine.http('POST', `/containers/${ended.id}/stop`)).status, 304);
});

test('a paused container can be stopped', async () => {
  const id = await engine.start();
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  await engine.expect(204, 'POST', `/containers/${id}/stop?t=1`);
  const { State } = await engine.inspect(id);
  assert.deepEqual([State.Status, State.Paused], ['exited', false]);
});

test('a stopped container is not restarted by its policy', async () => {
  const id = await engine.start({ HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } });
  await engine.expect(204, 'POST', `/containers/${id}/stop?t=5`);
  const { State, RestartCount } = await engine.inspect(id);
  assert.deepEqual([State.Status, State.Restarting, RestartCount], ['exited', false, 0]);
});

test('what is refused', async () => {
  const missing = await engine.http('POST', '/containers/nope/stop');
  assert.deepEqual([missing.status, missing.message], [404, 'No such container: nope']);
  const id = await engine.start();
  const time = await engine.http('POST', `/containers/${id}/stop?t=x`);
  assert.deepEqual([time.status, time.message], [500, 'strconv.Atoi: parsing "x": invalid syntax']);
  const signal = await engine.http('POST', `/containers/${id}/stop?signal=NOPE`);
  assert.deepEqual([signal.status, signal.message], [500, `cannot stop container: ${id}: invalid signal: NOPE`]);
});
