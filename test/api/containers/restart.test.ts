import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('a running container gets a new process, the same ID and files', async () => {
  const id = await engine.start();
  await engine.exec(id, 'touch /kept');
  const before = (await engine.inspect(id)).State;
  await engine.expect(204, 'POST', `/containers/${id}/restart?t=1`);
  const after = (await engine.inspect(id)).State;
  assert.equal(after.Running, true);
  assert.notEqual(after.Pid, before.Pid);
  assert.ok(after.StartedAt > before.StartedAt);
  assert.equal((await engine.exec(id, 'ls /kept')).stdout, '/kept\n');
});

test('a stopped container is started', async () => {
  const id = await engine.create({ Cmd: ['sleep', '100'] });
  await engine.expect(204, 'POST', `/containers/${id}/restart?t=0`);
  assert.equal((await engine.inspect(id)).State.Running, true);
});

test('no such container', async () => {
  const answer = await engine.http('POST', '/containers/nope/restart');
  assert.deepEqual([answer.status, answer.message], [404, 'No such container: nope']);
});

test('on-failure restarts as often as it says, then gives up', async () => {
  const id = await engine.start({
    Cmd: 'echo run; exit 5',
    HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
  });
  const { State, RestartCount } = await engine.until(id, (it) => it.State.Status === 'exited' && it.RestartCount === 2);
  assert.deepEqual([State.ExitCode, RestartCount], [5, 2]);
  assert.equal((await engine.logs(id)).stdout, 'run\nrun\nrun\n');
});

test('on-failure does not restart after success', async () => {
  const id = await engine.start({
    Cmd: 'exit 0',
    HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 0 } },
  });
  assert.equal(await engine.wait(id), 0);
  const { State, RestartCount } = await engine.inspect(id);
  assert.deepEqual([State.Status, RestartCount], ['exited', 0]);
});

for (const Name of ['always', 'unless-stopped'] as const)
  test(`${Name} restarts after success, with growing delays, until it is stopped`, async () => {
    const id = await engine.start({
      Cmd: 'sleep 0.1; exit 0',
      HostConfig: { RestartPolicy: { Name, MaximumRetryCount: 0 } },
    });
    await engine.until(id, (it) => it.RestartCount >= 2);
    await engine.http('POST', `/containers/${id}/stop?t=1`);
    const { State } = await engine.inspect(id);
    assert.deepEqual([State.Running, State.Restarting], [false, false]);
  });

test('a container that restarts shows so and can be removed by force', async () => {
  const id = await engine.start({
    Cmd: 'exit 1',
    HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
  });
  const { State } = await engine.until(id, (it) => it.RestartCount >= 2 && it.State.Restarting);
  assert.deepEqual([State.Status, State.Running, State.ExitCode], ['restarting', true, 1]);
  await engine.expect(204, 'DELETE', `/containers/${id}?force=1`);
});

test('a container killed from inside is restarted', async () => {
  const id = await engine.start({ HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } });
  await engine.exec(id, 'kill -TERM 1');
  await engine.until(id, (it) => it.RestartCount === 1 && it.State.Status === 'running');
});
