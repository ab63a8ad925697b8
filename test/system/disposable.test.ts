import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ContainerRequest } from '../harness/index.ts';
import { startEngine, type TestEngine } from '../harness/index.ts';

/** Containers that run and log while the engine is killed. */
const WRITERS = 20;

/** Writes numbered lines for ever; ends with code 7 when asked to. */
const WRITER = 'trap "exit 7" TERM; i=0; while :; do echo "line $i"; i=$((i+1)); sleep 0.02; done';

const engine = await startEngine();
after(() => engine[Symbol.asyncDispose]());
await engine.load(engine.images.busybox);

interface State {
  Status: string;
  Running: boolean;
  Pid: number;
  ExitCode: number;
  StartedAt: string;
  FinishedAt: string;
}

const stateOf = async (of: TestEngine, id: string) => (await of.inspect(id)).State as State;

/** The numbers of all lines in a container's log, in order. */
async function numbersOf(id: string): Promise<number[]> {
  const { stdout } = await engine.logs(id);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => Number(/^line (\d+)$/.exec(line)?.[1]));
}

function start(name: string, changes: ContainerRequest = {}): Promise<string> {
  return engine.start({ Cmd: WRITER, ...changes }, name);
}

/** Fetches a page from the engine's host, by the address and port that a container published. */
async function fetchPage(url: string): Promise<string> {
  const { stdout } = await engine.inNetwork('curl', '-sS', '--max-time', '5', url);
  return stdout;
}

test('20 containers go on without the engine, and the next one has them all', async () => {
  const plain = await Promise.all(Array.from({ length: WRITERS - 5 }, (_, index) => start(`writer-${index}`)));
  const web = await start('web', {
    Cmd: `mkdir /www; echo here > /www/index.html; httpd -p 80 -h /www; ${WRITER}`,
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8081' }] } },
  });
  const paused = await start('paused');
  await engine.expect(204, 'POST', `/containers/${paused}/pause`);
  const ends = await start('ends');
  const restarts = await start('restarts', {
    HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 0 } },
  });
  const removed = await start('removed', { HostConfig: { AutoRemove: true } });
  const all = [...plain, web, paused, ends, restarts, removed];
  const before = new Map<string, State>();
  for (const id of all) before.set(id, await stateOf(engine, id));
  const pidOf = (id: string) => before.get(id)?.Pid ?? 0;

  await engine.kill9();
  assert.equal(await fetchPage('http://127.0.0.1:8081/'), 'here\n');
  const endedAt = Date.now();
  for (const id of [ends, restarts, removed]) process.kill(pidOf(id), 'SIGTERM');
  for (const id of [...plain, web, paused]) process.kill(pidOf(id), 0);
  await engine.begin();

  for (const id of [...plain, web, paused]) {
    const { Status, Pid, StartedAt } = await stateOf(engine, id);
    assert.deepEqual(
      [Status, Pid, StartedAt],
      [id === paused ? 'paused' : 'running', pidOf(id), before.get(id)?.StartedAt],
    );
  }
  const ended = await stateOf(engine, ends);
  assert.deepEqual([ended.Status, ended.ExitCode], ['exited', 7]);
  assert.ok(Math.abs(Date.parse(ended.FinishedAt) - endedAt) < 2000, `${ended.FinishedAt} is not when it ended`);
  await engine.until(restarts, ({ State }) => State.Running && State.Pid !== pidOf(restarts));
  assert.equal((await engine.http('GET', `/containers/${removed}/json`)).status, 404);
  assert.equal(await fetchPage('http://127.0.0.1:8081/'), 'here\n');

  // Adopted containers obey, and every line they wrote is in their logs exactly once.
  await engine.expect(204, 'POST', `/containers/${paused}/unpause`);
  assert.equal((await engine.exec(plain[0] ?? '', 'echo in')).stdout, 'in\n');
  for (const id of [...plain, web, paused]) {
    await engine.expect(204, 'POST', `/containers/${id}/stop?t=5`);
    const numbers = await numbersOf(id);
    assert.ok(numbers.length > 10);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index),
    );
  }
});

test('SIGTERM ends the engine alone, and it says so', async () => {
  const id = await start('stays');
  const { Pid } = await stateOf(engine, id);
  await engine.stop();
  process.kill(Pid, 0);
  assert.match(engine.log, /running containers are left running/);
  await engine.begin();
  assert.equal((await stateOf(engine, id)).Pid, Pid);
  await engine.remove(id);
});
