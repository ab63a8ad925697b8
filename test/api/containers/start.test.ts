import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.settings);

test('a started container runs; starting it again changes nothing', async () => {
  const id = await engine.start();
  const { State } = await engine.inspect(id);
  assert.deepEqual([State.Status, State.Running, State.ExitCode, State.Error], ['running', true, 0, '']);
  assert.ok(State.Pid > 0);
  assert.match(State.StartedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  assert.equal(State.FinishedAt, '0001-01-01T00:00:00Z');
  await engine.expect(304, 'POST', `/containers/${id}/start`);
  assert.equal((await engine.inspect(id)).State.Pid, State.Pid);
});

test('an exited container can be started again and keeps its files', async () => {
  const id = await engine.create({ Cmd: 'cat /seen; date > /seen' });
  for (const expected of [/^cat: can't open/, /^cat: can't open '\/seen'.*\n/]) {
    await engine.expect(204, 'POST', `/containers/${id}/start`);
    assert.match((await engine.finish(id)).stderr, expected);
  }
  assert.match((await engine.logs(id)).stdout, /\d\d:\d\d:\d\d UTC \d{4}\n$/);
});

test('exit code and times are recorded', async () => {
  const { id, exitCode } = await engine.run({ Cmd: 'exit 42' });
  const { State } = await engine.inspect(id);
  assert.equal(exitCode, 42);
  assert.deepEqual([State.Status, State.Running, State.Pid, State.ExitCode], ['exited', false, 0, 42]);
  assert.ok(Date.parse(State.FinishedAt) >= Date.parse(State.StartedAt));
});

test('the process sees environment, working directory, user, and both output streams', async () => {
  const { stdout, stderr } = await engine.run({
    Image: 'settings',
    Entrypoint: ['sh', '-c', 'env | sort; pwd; id; stat -c %U:%G .; echo error >&2'],
    Env: ['ADDED=a b', 'REPLACED=request', 'FROM_IMAGE'],
    Hostname: 'box',
  });
  const lines = stdout.split('\n').filter((line) => !/^(SHLVL|PWD|OLDPWD|_)=/.test(line));
  assert.deepEqual(lines, [
    'ADDED=a b',
    'HOME=/home/tester',
    'HOSTNAME=box',
    'PATH=/bin:/opt/bin',
    'REPLACED=request',
    '/work/dir',
    'uid=1000(tester) gid=1000(tester) groups=1000(tester),2000(extra)',
    'root:root',
    '',
  ]);
  assert.equal(stderr, 'error\n');
});

test('PATH has a default and TERM is set with a terminal', async () => {
  const plain = await engine.run({ Cmd: 'echo $PATH; echo "[$TERM]"; tty' });
  assert.equal(plain.stdout, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n[]\nnot a tty\n');
  const terminal = await engine.run({ Cmd: 'echo "[$TERM]"; tty', Tty: true });
  assert.equal(terminal.stdout, '[xterm]\r\n/dev/pts/0\r\n');
});

/** `User` and what id prints for it. */
const users: readonly (readonly [string, string])[] = [
  ['', 'uid=0(root) gid=0(root) groups=0(root)'],
  ['tester', 'uid=1000(tester) gid=1000(tester) groups=1000(tester),2000(extra)'],
  ['1000', 'uid=1000(tester) gid=1000(tester) groups=1000(tester),2000(extra)'],
  ['tester:www-data', 'uid=1000(tester) gid=33(www-data) groups=33(www-data)'],
  ['4711:4712', 'uid=4711 gid=4712 groups=4712'],
  ['4711', 'uid=4711 gid=0(root) groups=0(root)'],
];

for (const [User, expected] of users)
  test(`user ${JSON.stringify(User)}`, async () => {
    assert.equal((await engine.run({ User, Cmd: ['id'] })).stdout, `${expected}\n`);
  });

test('groups can be added', async () => {
  const { stdout } = await engine.run({
    User: 'tester',
    Cmd: ['id', '-G'],
    HostConfig: { GroupAdd: ['33', 'daemon'] },
  });
  assert.deepEqual(stdout.trim().split(' ').sort(), ['1', '1000', '2000', '33']);
});

test('hostname, hosts and resolv.conf are the container’s own', async () => {
  const { stdout } = await engine.run({
    Hostname: 'box',
    Domainname: 'example.org',
    Cmd: 'hostname; cat /etc/hostname; cat /etc/hosts; echo --; cat /etc/resolv.conf',
    HostConfig: {
      NetworkMode: 'bridge',
      ExtraHosts: ['other:192.0.2.7', 'six:2001:db8::1'],
      Dns: ['192.0.2.53'],
      DnsSearch: ['example.net'],
      DnsOptions: ['ndots:3'],
    },
  });
  const [hosts = '', resolver = ''] = stdout.split('--\n');
  assert.match(hosts, /^box\nbox\n127\.0\.0\.1\tlocalhost\n/);
  assert.match(hosts, /^192\.0\.2\.7\tother$/m);
  assert.match(hosts, /^2001:db8::1\tsix$/m);
  assert.match(hosts, /^\d+\.\d+\.\d+\.\d+\tbox\.example\.org box$/m);
  assert.match(resolver, /^nameserver 192\.0\.2\.53$/m);
  assert.match(resolver, /^search example\.net$/m);
  assert.match(resolver, /^options ndots:3$/m);
});

test('a container’s init is process 1 alone, or with Init a reaper and the program', async () => {
  assert.equal((await engine.run({ Cmd: ['sh', '-c', 'echo $$'] })).stdout, '1\n');
  const { stdout } = await engine.run({ Cmd: ['sh', '-c', 'echo $$; cat /proc/1/comm'], HostConfig: { Init: true } });
  assert.match(stdout, /^[2-9]\d*\n\S*init\n$/);
});

test('with Init, the program’s exit code and signals pass through', async () => {
  assert.equal((await engine.run({ Cmd: ['sh', '-c', 'exit 7'], HostConfig: { Init: true } })).exitCode, 7);
  const id = await engine.start({ Cmd: ['sleep', '100'], HostConfig: { Init: true } });
  await engine.expect(204, 'POST', `/containers/${id}/kill?signal=TERM`);
  assert.equal(await engine.wait(id), 143);
});

/** Requests that create takes and start refuses: the request, status, the text, the recorded exit code. */
const refused: readonly (readonly [object, number, RegExp, number])[] = [
  [{ Cmd: ['/nope'] }, 400, /exec: "\/nope": stat \/nope: no such file or directory/, 127],
  [{ Cmd: ['nope'] }, 400, /exec: "nope": executable file not found in \$PATH/, 127],
  [{ Cmd: ['/etc/passwd'] }, 400, /exec: "\/etc\/passwd": permission denied/, 126],
  [{ Cmd: ['/etc'] }, 400, /exec: "\/etc": (is a directory|permission denied)/, 126],
  [{ Cmd: ['true'], User: 'nosuch' }, 500, /^unable to find user nosuch: no matching entries in passwd file$/, 128],
  [{ Cmd: ['true'], User: '0:nosuch' }, 500, /^unable to find group nosuch: no matching entries in group file$/, 128],
  [
    { Cmd: ['true'], HostConfig: { NetworkMode: 'no-such-net' } },
    404,
    /^failed to set up container networking: network no-such-net not found$/,
    128,
  ],
  [
    { Cmd: ['true'], HostConfig: { NetworkMode: 'container:nope' } },
    500,
    /^joining network namespace of container: No such container: nope$/,
    128,
  ],
  [
    { Cmd: ['true'], HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': 'x' } } } },
    500,
    /failed to initialize logging driver: invalid size: 'x'/,
    128,
  ],
  [
    { Cmd: ['true'], HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-file': '0' } } } },
    500,
    /failed to initialize logging driver: max-file cannot be less than 1/,
    128,
  ],
  [{ Cmd: ['true'], HostConfig: { Sysctls: { 'kernel.nope': '1' } } }, 500, /kernel\.nope/, 128],
];

for (const [request, status, message, exitCode] of refused)
  test(`cannot start ${JSON.stringify(request)}`, async () => {
    const id = await engine.create(request);
    const answer = await engine.http('POST', `/containers/${id}/start`);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.message, message);
    const { State } = await engine.inspect(id);
    assert.deepEqual([State.Status, State.Running, State.Pid, State.ExitCode], ['created', false, 0, exitCode]);
    assert.match(State.Error, message);
    await engine.expect(204, 'DELETE', `/containers/${id}`);
  });

test('no such container', async () => {
  const answer = await engine.http('POST', '/containers/nope/start');
  assert.deepEqual([answer.status, answer.message], [404, 'No such container: nope']);
});

test('a container that is removed when it exits is gone after its exit', async () => {
  const id = await engine.create({ Cmd: 'exit 3', HostConfig: { AutoRemove: true } });
  const waiting = engine.wait(id, 'removed');
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  assert.equal(await waiting, 3);
  assert.equal((await engine.http('GET', `/containers/${id}/json`)).status, 404);
});

test('a process that the kernel’s out-of-memory killer ends is recorded as such', async () => {
  const { id, exitCode } = await engine.run({
    Cmd: ['sh', '-c', 'exec tail /dev/zero'],
    HostConfig: { Memory: 16 * 1024 * 1024, MemorySwap: 16 * 1024 * 1024 },
  });
  const { State } = await engine.inspect(id);
  assert.deepEqual([exitCode, State.OOMKilled], [137, true]);
});

test('a killed process that is not the first is told by an event, and recorded at the end', async () => {
  const id = await engine.create({
    Cmd: ['sh', '-c', 'tail /dev/zero; echo killed: $?; read line'],
    OpenStdin: true,
    HostConfig: { Memory: 16 * 1024 * 1024, MemorySwap: 16 * 1024 * 1024 },
  });
  const filters = encodeURIComponent(JSON.stringify({ container: [id], event: ['oom'] }));
  const events = await engine.stream('GET', `/events?filters=${filters}`);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  await events.received.until(({ text }) => text.includes('"oom"'), 'the event');
  events.close();
  assert.equal((await engine.inspect(id)).State.Running, true);
  await engine.expect(204, 'POST', `/containers/${id}/kill`);
  await engine.wait(id);
  assert.equal((await engine.inspect(id)).State.OOMKilled, true);
});

test('twenty containers start at once', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, (_, index) => engine.create({ Cmd: `exit ${index}` })));
  await Promise.all(ids.map((id) => engine.expect(204, 'POST', `/containers/${id}/start`)));
  assert.deepEqual(
    await Promise.all(ids.map((id) => engine.wait(id))),
    ids.map((_, index) => index),
  );
});
