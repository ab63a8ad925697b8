import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
const container = await engine.start({ Env: ['INHERITED=yes'], WorkingDir: '/tmp', Hostname: 'box' });

/** Creates an exec in the shared container; resolves to its ID. */
async function create(Cmd: string[], options: object = {}): Promise<string> {
  const body = { AttachStdout: true, AttachStderr: true, Cmd, ...options };
  return String((await engine.expect(201, 'POST', `/containers/${container}/exec`, body)).json().Id);
}

test('output comes in frames and the exit code is kept', async () => {
  const { stdout, stderr, exitCode } = await engine.exec(container, 'echo out; echo err >&2; exit 9');
  assert.deepEqual([stdout, stderr, exitCode], ['out\n', 'err\n', 9]);
});

test('it runs in the container: file system, hostname, environment, directory', async () => {
  const { stdout } = await engine.exec(container, 'hostname; pwd; echo $INHERITED $HOME; cat /proc/1/comm');
  assert.equal(stdout, 'box\n/tmp\nyes /root\nsh\n');
});

test('environment, directory and user of its own', async () => {
  const { stdout } = await engine.exec(container, 'echo $ADDED $HOME; pwd; id', {
    Env: ['ADDED=1'],
    WorkingDir: '/etc',
    User: 'tester',
  });
  assert.equal(stdout, '1 /home/tester\n/etc\nuid=1000(tester) gid=1000(tester) groups=1000(tester),2000(extra)\n');
});

test('it is in the container’s control group and under its limits of privilege', async () => {
  const { stdout } = await engine.exec(
    container,
    'diff /proc/self/cgroup /proc/1/cgroup && grep -E "CapEff|Seccomp:" /proc/self/status',
  );
  assert.equal(stdout, 'CapEff:\t00000000a80425fb\nSeccomp:\t2\n');
});

test('privileged gives every capability', async () => {
  const { stdout } = await engine.exec(container, 'grep CapEff /proc/self/status', { Privileged: true });
  const every = /CapBnd:\t(\w+)/.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))?.[1];
  assert.equal(stdout, `CapEff:\t${every}\n`);
});

test('another user has no effective capabilities', async () => {
  const { stdout } = await engine.exec(container, 'grep -E "CapEff|CapBnd" /proc/self/status', { User: '1000' });
  assert.equal(stdout, 'CapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n');
});

test('input reaches the program, and its end too', async () => {
  const exec = await create(['cat'], { AttachStdin: true });
  const stream = await engine.hijack('POST', `/exec/${exec}/start`, { body: { Detach: false, Tty: false } });
  assert.equal(stream.status, 101);
  assert.match(stream.head, /^Content-Type: application\/vnd\.docker\.multiplexed-stream$/im);
  stream.write('to and fro\n');
  stream.endInput();
  await stream.received.end();
  assert.equal(stream.received.output.stdout, 'to and fro\n');
});

test('without the upgrade header the answer is 200', async () => {
  const exec = await create(['echo', 'old']);
  const stream = await engine.hijack('POST', `/exec/${exec}/start`, { body: {}, upgrade: false });
  assert.equal(stream.status, 200);
  await stream.received.end();
  assert.equal(stream.received.output.stdout, 'old\n');
});

test('a terminal: raw stream, given size, resize', async () => {
  const exec = await create(['sh', '-c', 'stty size; tty; read x; stty size'], {
    AttachStdin: true,
    Tty: true,
    ConsoleSize: [33, 99],
  });
  const stream = await engine.hijack('POST', `/exec/${exec}/start`, { body: { Tty: true, ConsoleSize: [33, 99] } });
  assert.match(stream.head, /^Content-Type: application\/vnd\.docker\.raw-stream$/im);
  await stream.received.contains('33 99\r\n/dev/pts/');
  await engine.expect(200, 'POST', `/exec/${exec}/resize?h=44&w=88`);
  stream.write('\n');
  await stream.received.end();
  assert.match(stream.received.text, /44 88\r\n$/);
});

test('detached, it is answered at once and goes on', async () => {
  const exec = await create(['sh', '-c', 'sleep 100; true'], { AttachStdout: false, AttachStderr: false });
  assert.equal((await engine.http('POST', `/exec/${exec}/start`, { Detach: true })).status, 200);
  const running = (await engine.expect(200, 'GET', `/exec/${exec}/json`)).json();
  assert.deepEqual([running.Running, running.ExitCode, running.ContainerID], [true, null, container]);
  assert.ok(Number(running.Pid) > 0);
  await engine.exec(container, 'pkill sleep 2>/dev/null || kill $(pidof sleep | tr " " "\\n" | head -1)');
});

test('inspect shows how it was asked for', async () => {
  const exec = await create(['sh', '-c', 'exit 6'], { User: '33', Privileged: true, Tty: false });
  const before = (await engine.expect(200, 'GET', `/exec/${exec}/json`)).json();
  assert.deepEqual(before.ProcessConfig, {
    tty: false,
    entrypoint: 'sh',
    arguments: ['-c', 'exit 6'],
    privileged: true,
    user: '33',
  });
  assert.deepEqual(
    [before.ID, before.Running, before.ExitCode, before.CanRemove, before.OpenStdin, before.OpenStdout, before.Pid],
    [exec, false, null, false, false, true, 0],
  );
  assert.deepEqual((await engine.inspect(container)).ExecIDs?.includes(exec), true);
  const stream = await engine.hijack('POST', `/exec/${exec}/start`, { body: {} });
  await stream.received.end();
  const after = (await engine.expect(200, 'GET', `/exec/${exec}/json`)).json();
  assert.deepEqual([after.Running, after.ExitCode], [false, 6]);
});

/** Programs that cannot be run: command, exit code, what the stream says. */
const failing: readonly (readonly [string[], number, RegExp])[] = [
  [['/nope'], 127, /exec failed: .*exec: "\/nope": stat \/nope: no such file or directory/],
  [['nope'], 127, /exec: "nope": executable file not found in \$PATH/],
  [['/etc/passwd'], 126, /exec: "\/etc\/passwd": permission denied/],
];

for (const [Cmd, exitCode, message] of failing)
  test(`cannot run ${Cmd}`, async () => {
    const exec = await create(Cmd);
    const stream = await engine.hijack('POST', `/exec/${exec}/start`, { body: {} });
    assert.equal(stream.status, 101);
    await stream.received.end();
    assert.match(stream.received.text, message);
    const ended = (await engine.expect(200, 'GET', `/exec/${exec}/json`)).json();
    assert.deepEqual([ended.Running, ended.ExitCode], [false, exitCode]);
  });

test('a signal’s exit code is 128 and its number', async () => {
  assert.equal((await engine.exec(container, 'kill -9 $$')).exitCode, 137);
});

test('an exec ends with its container', async () => {
  const other = await engine.start();
  const body = { AttachStdout: true, Cmd: ['sh', '-c', 'echo started; sleep 100'] };
  const exec = String((await engine.expect(201, 'POST', `/containers/${other}/exec`, body)).json().Id);
  const stream = await engine.hijack('POST', `/exec/${exec}/start`, { body: {} });
  await stream.received.contains('started');
  await engine.expect(204, 'POST', `/containers/${other}/kill`);
  await stream.received.end();
  const ended = (await engine.expect(200, 'GET', `/exec/${exec}/json`)).json();
  assert.deepEqual([ended.Running, ended.ExitCode], [false, 137]);
});

test('what is refused', async () => {
  const stopped = await engine.create();
  const used = await create(['true']);
  const stream = await engine.hijack('POST', `/exec/${used}/start`, { body: {} });
  await stream.received.end();
  const expected: readonly (readonly [string, object | string, number, string])[] = [
    ['/containers/nope/exec', { Cmd: ['x'] }, 404, 'No such container: nope'],
    [`/containers/${container}/exec`, {}, 400, 'No exec command specified'],
    [`/containers/${container}/exec`, { Cmd: [] }, 400, 'No exec command specified'],
    [`/containers/${container}/exec`, '{', 400, 'invalid JSON: unexpected EOF'],
    [`/containers/${stopped}/exec`, { Cmd: ['x'] }, 409, `container ${stopped} is not running`],
    ['/exec/nope/start', {}, 404, 'No such exec instance: nope'],
    [`/exec/${used}/start`, { Detach: true }, 409, `exec command ${used} has already run`],
  ];
  for (const [path, body, status, message] of expected) {
    const answer = await engine.http('POST', path, body);
    assert.deepEqual([answer.status, answer.message], [status, message], path);
  }
  const missing = await engine.http('GET', '/exec/nope/json');
  assert.deepEqual([missing.status, missing.message], [404, 'No such exec instance: nope']);
  const user = await engine.http('POST', `/containers/${container}/exec`, { Cmd: ['true'], User: 'nosuch' });
  assert.deepEqual(
    [user.status, user.message],
    [400, 'unable to find user nosuch: no matching entries in passwd file'],
  );
  const again = await engine.hijack('POST', `/exec/${used}/start`, { body: {} });
  await again.received.end();
  assert.equal(again.received.output.stdout, `exec command ${used} has already run\r\n`);
});
