import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
const id = await engine.start({ Cmd: 'sleep 1000 & sleep 2000; true' });
await engine.exec(id, 'until pidof sleep | grep -q " "; do sleep 0.02; done');

test('ps -ef’s columns by default, the container’s processes only', async () => {
  const { Titles, Processes } = (await engine.expect(200, 'GET', `/containers/${id}/top`)).json();
  assert.deepEqual(Titles, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  const commands = (Processes as unknown as string[][]).map((row) => row.at(-1));
  assert.deepEqual(commands.sort(), ['sh -c sleep 1000 & sleep 2000; true', 'sleep 1000', 'sleep 2000']);
  const pids = (Processes as unknown as string[][]).map((row) => Number(row[1]));
  assert.ok(pids.includes((await engine.inspect(id)).State.Pid));
});

test('columns can be chosen', async () => {
  const { Titles, Processes } = (await engine.expect(200, 'GET', `/containers/${id}/top?ps_args=-o%20pid,comm`)).json();
  assert.deepEqual(Titles, ['PID', 'COMMAND']);
  assert.deepEqual((Processes as unknown as string[][]).map((row) => row[1]).sort(), ['sh', 'sleep', 'sleep']);
});

test('what is refused', async () => {
  const created = await engine.create();
  const expected: readonly (readonly [string, number, string])[] = [
    ['nope/top', 404, 'No such container: nope'],
    [`${created}/top`, 409, `container ${created} is not running`],
    [`${id}/top?ps_args=-eo%20comm`, 500, "Couldn't find PID field in ps output"],
  ];
  for (const [path, status, message] of expected) {
    const answer = await engine.http('GET', `/containers/${path}`);
    assert.deepEqual([answer.status, answer.message], [status, message]);
  }
});
