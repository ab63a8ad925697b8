import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Collector, type ProgramResult, packImage, startRegistry, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
const label = `--label=suite=${engine.suite}`;

/** `docker run --rm` with this file's label. */
function run(...argv: string[]): Promise<ProgramResult> {
  return engine.docker('run', '--rm', label, ...argv);
}

/** What a person does at a terminal: waits to see something, then types. */
type Step = readonly [see: string, type: string];

/** Runs docker on a terminal of its own. */
async function onTerminal(steps: readonly Step[], ...argv: string[]): Promise<{ screen: string; status: number }> {
  const command = ['docker', ...argv].map((word) => `'${word}'`).join(' ');
  const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...process.env, DOCKER_HOST: `unix://${engine.socketPath}`, DOCKER_CONFIG: '/nonexistent' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(terminal, 'exit');
  const screen = new Collector(terminal.stdout);
  for (const [see, type] of steps) {
    await screen.contains(see);
    terminal.stdin.write(type);
  }
  const [status] = await exited;
  return { screen: screen.text, status };
}

/** Command lines and how they end: arguments, status, standard output, standard error. */
const runs: readonly (readonly [string[], number, string, RegExp])[] = [
  [['busybox', 'true'], 0, '', /^$/],
  [['busybox', 'sh', '-c', 'echo out; echo err >&2; exit 3'], 3, 'out\n', /^err\n$/],
  [['busybox', '/nope'], 127, '', /exec: "\/nope": stat \/nope: no such file or directory/],
  [['busybox', 'nope'], 127, '', /exec: "nope": executable file not found in \$PATH/],
  [['busybox', '/etc/passwd'], 126, '', /exec: "\/etc\/passwd": permission denied/],
  [['busybox', 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'], 137, '', /^/],
  [['busybox', 'sh', '-c', 'kill -TERM $$; sleep 1'], 0, '', /^$/],
  [['--pull=never', 'no-such-image', 'true'], 125, '', /No such image: no-such-image:latest/],
  [['--memory=1k', 'busybox', 'true'], 125, '', /Minimum memory limit allowed is 6MB/],
  [['--name=-bad', 'busybox', 'true'], 125, '', /Invalid container name \(-bad\)/],
  [['-p', 'x:80', 'busybox', 'true'], 125, '', /invalid hostPort|invalid.*port/i],
  [['--network=no-such-net', 'busybox', 'true'], 125, '', /network no-such-net not found/],
  [
    ['-e', 'A=1', '-w', '/tmp', '-u', '1000:33', 'busybox', 'sh', '-c', 'echo $A; pwd; id -u; id -g'],
    0,
    '1\n/tmp\n1000\n33\n',
    /^$/,
  ],
  [['--entrypoint', 'echo', 'busybox', 'hello'], 0, 'hello\n', /^$/],
  [
    ['--hostname', 'box', '--add-host', 'other:1.2.3.4', 'busybox', 'sh', '-c', 'hostname; grep other /etc/hosts'],
    0,
    'box\n1.2.3.4\tother\n',
    /^$/,
  ],
  [['--read-only', '--tmpfs', '/t', 'busybox', 'sh', '-c', 'touch /t/x /x; ls /t'], 0, 'x\n', /Read-only file system/],
  [
    [
      '--cpus',
      '0.5',
      '--pids-limit',
      '20',
      '--init',
      '--security-opt',
      'no-new-privileges',
      'busybox',
      'grep',
      'NoNewPrivs',
      '/proc/self/status',
    ],
    0,
    'NoNewPrivs:\t1\n',
    /^$/,
  ],
  [
    ['--stop-signal', 'USR1', '--dns', '192.0.2.9', 'busybox', 'grep', '^nameserver', '/etc/resolv.conf'],
    0,
    'nameserver 192.0.2.9\n',
    /^$/,
  ],
];

for (const [argv, status, stdout, stderr] of runs)
  test(`docker run ${argv.join(' ')}`, async () => {
    const result = await run(...argv);
    assert.equal(result.status, status, result.stderr);
    assert.equal(result.stdout, stdout);
    assert.match(result.stderr, stderr);
  });

test('-i passes input on and ends with it', async () => {
  const { stdout, status } = await engine.dockerWith(
    { input: 'one\ntwo\n' },
    'run',
    '--rm',
    '-i',
    label,
    'busybox',
    'cat',
  );
  assert.deepEqual([stdout, status], ['one\ntwo\n', 0]);
});

test('-i passes 8 MiB both ways', async () => {
  const input = Buffer.alloc(8 * 1024 * 1024, 'abcdefg\n').toString();
  const { stdout } = await engine.dockerWith({ input }, 'run', '--rm', '-i', label, 'busybox', 'cat');
  assert.ok(stdout === input, `${stdout.length} bytes came back`);
});

test('-it gives a terminal and its exit code', async () => {
  const { screen, status } = await onTerminal([], 'run', '--rm', '-it', label, 'busybox', 'sh', '-c', 'tty; exit 4');
  assert.match(screen, /\/dev\/pts\/0\r\n/);
  assert.equal(status, 4);
});

test('what is typed reaches the shell, and the shell’s exit code docker', async () => {
  const steps: Step[] = [['# ', 'echo $((40+2)); exit 5\n']];
  const { screen, status } = await onTerminal(steps, 'run', '--rm', '-it', label, 'busybox', 'sh');
  assert.match(screen, /^42\r$/m);
  assert.equal(status, 5);
});

test('the detach keys leave the container running', async () => {
  const name = engine.unique('detach');
  const steps: Step[] = [
    ['# ', 'echo a$((1))b\n'],
    ['a1b', '\x10\x11'],
  ];
  const { screen } = await onTerminal(steps, 'run', '-it', '--name', name, label, 'busybox', 'sh');
  assert.match(screen, /read escape sequence|a1b/);
  assert.equal((await engine.inspect(name)).State.Running, true);
  const again = await onTerminal([['', 'exit 3\n']], 'attach', name);
  assert.equal(again.status, 3);
});

test('-d prints the ID; start, logs, wait, stop, restart, rm', async () => {
  const name = engine.unique('life');
  const cidfile = join(tmpdir(), name);
  const { stdout } = await engine.docker(
    'run',
    '-d',
    '--cidfile',
    cidfile,
    '--name',
    name,
    label,
    'busybox',
    'sh',
    '-c',
    'trap "exit 6" TERM; echo hello; while :; do sleep 0.1; done',
  );
  assert.match(stdout, /^[0-9a-f]{64}\n$/);
  assert.ok(existsSync(cidfile));
  assert.equal(readFileSync(cidfile, 'utf8'), stdout.trim());
  rmSync(cidfile);
  const log = await engine.stream('GET', `/containers/${name}/logs?follow=1&stdout=1`);
  await log.received.contains('hello');
  log.close();
  assert.equal((await engine.docker('logs', name)).stdout, 'hello\n');
  assert.equal((await engine.docker('stop', name)).stdout, `${name}\n`);
  assert.equal((await engine.docker('wait', name)).stdout, '6\n');
  assert.equal((await engine.docker('start', name)).stdout, `${name}\n`);
  assert.equal((await engine.docker('kill', name)).stdout, `${name}\n`);
  assert.equal((await engine.docker('wait', name)).stdout, '137\n');
  assert.equal((await engine.docker('rm', name)).stdout, `${name}\n`);
  const gone = await engine.docker('rm', name);
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, new RegExp(`No such container: ${name}`));
});

test('start -ai', async () => {
  const name = engine.unique('again');
  await engine.docker('create', '-i', '--name', name, label, 'busybox', 'sh', '-c', 'read x; echo "<$x>"; exit 8');
  const result = await engine.dockerWith({ input: 'in\n' }, 'start', '-ai', name);
  assert.deepEqual([result.stdout, result.status], ['<in>\n', 8]);
});

test('exec: exit codes, -i, -d, -e, -u, -w', async () => {
  const name = engine.unique('exec');
  await engine.docker('run', '-d', '--name', name, label, 'busybox', 'sleep', '1000');
  const expected: readonly (readonly [string[], number, string])[] = [
    [[name, 'sh', '-c', 'exit 7'], 7, ''],
    [[name, '/nope'], 127, ''],
    [[name, '/etc/passwd'], 126, ''],
    [['-e', 'A=b', '-w', '/etc', '-u', 'tester', name, 'sh', '-c', 'echo $A $PWD $(id -un)'], 0, 'b /etc tester\n'],
    [['-d', name, 'touch', '/made'], 0, ''],
  ];
  for (const [argv, status, stdout] of expected) {
    const result = await engine.docker('exec', ...argv);
    assert.equal(result.status, status, result.stderr);
    if (status === 0) assert.equal(result.stdout, stdout);
  }
  const piped = await engine.dockerWith({ input: 'through' }, 'exec', '-i', name, 'cat');
  assert.equal(piped.stdout, 'through');
});

test('ps, port, inspect, top, rename', async () => {
  const name = engine.unique('shown');
  await engine.docker('run', '-d', '--name', name, label, '-p', '127.0.0.1::80', 'busybox', 'sleep', '1000');
  const ps = await engine.docker(
    'ps',
    '--filter',
    `name=${name}`,
    '--format',
    '{{.Names}} {{.Image}} {{.Command}} {{.State}}',
  );
  assert.equal(ps.stdout, `${name} busybox "sleep 1000" running\n`);
  assert.match((await engine.docker('port', name)).stdout, /^80\/tcp -> 127\.0\.0\.1:\d+\n$/);
  assert.equal((await engine.docker('inspect', '--format', '{{.State.Status}}', name)).stdout, 'running\n');
  assert.match((await engine.docker('top', name)).stdout, /sleep 1000\n$/);
  assert.equal((await engine.docker('rename', name, `${name}-new`)).status, 0);
});

test('pull, images, tag, save, load, rmi', async () => {
  await using registry = await startRegistry(engine);
  await registry.push('cli/image', packImage(engine.images.layered), 'v1');
  const name = `${registry.address}/cli/image`;
  const pulled = await engine.docker('pull', `${name}:v1`);
  assert.match(pulled.stdout, new RegExp(`^v1: Pulling from cli/image\n(.*\n)*Status: .* ${name}:v1\n${name}:v1\n$`));
  const saved = join(tmpdir(), engine.unique('saved'));
  assert.equal((await engine.docker('save', '-o', saved, `${name}:v1`)).status, 0);
  assert.match(
    (await engine.docker('rmi', `${name}:v1`)).stdout,
    new RegExp(`^Untagged: ${name}:v1\nUntagged: ${name}@sha256:`),
  );
  assert.match((await engine.docker('load', '-i', saved)).stdout, new RegExp(`Loaded image: ${name}:v1`));
  rmSync(saved);
  const images = await engine.docker('images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}', name);
  assert.equal(images.stdout, `${name}:v1 ${engine.images.layered.id.slice(7, 19)}\n`);
  assert.equal((await engine.docker('rmi', `${name}:v1`)).status, 0);
});

test('network and volume commands', async () => {
  const [net, volume] = [engine.unique('net'), engine.unique('volume')];
  assert.match((await engine.docker('network', 'create', label, net)).stdout, /^[0-9a-f]{64}\n$/);
  assert.equal((await engine.docker('volume', 'create', label, volume)).stdout, `${volume}\n`);
  const name = engine.unique('web');
  await engine.docker(
    'run',
    '-d',
    label,
    '--name',
    name,
    '--network',
    net,
    '-v',
    `${volume}:/www`,
    'busybox',
    'sh',
    '-c',
    'echo served > /www/index.html; exec httpd -f -p 80 -h /www',
  );
  const client = await run(
    '--network',
    net,
    'busybox',
    'sh',
    '-c',
    `for i in 1 2 3 4 5 6 7 8 9 10; do wget -q -O - http://${name}/ && exit; sleep 0.1; done`,
  );
  assert.equal(client.stdout, 'served\n', client.stderr);
  assert.match((await engine.docker('network', 'rm', net)).stderr, /has active endpoints/);
  assert.match((await engine.docker('volume', 'rm', volume)).stderr, /volume is in use/);
  await engine.docker('rm', '-f', name);
  assert.equal((await engine.docker('network', 'rm', net)).stdout, `${net}\n`);
  assert.equal((await engine.docker('volume', 'rm', volume)).stdout, `${volume}\n`);
});

test('version and info show a server', async () => {
  assert.match((await engine.docker('version', '--format', '{{.Server.APIVersion}}')).stdout, /^1\.51\n$/);
  const info = await engine.docker('info', '--format', '{{.Driver}} {{.OSType}}');
  assert.deepEqual([info.stdout, info.status], ['overlay2 linux\n', 0]);
});
