import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

/** What the engine's own processes may have at most: no container can have more. */
const EVERY = BigInt(`0x${/CapBnd:\t(\w+)/.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))?.[1]}`);

/** Docker's default set: fourteen capabilities. */
const DEFAULT = 0xa80425fbn;
const CAP_CHOWN = 1n << 0n;
const CAP_NET_ADMIN = 1n << 12n;
const CAP_NET_RAW = 1n << 13n;

/** Options and the capabilities the process then has. */
const capabilities: readonly (readonly [object, bigint])[] = [
  [{}, DEFAULT],
  [{ CapAdd: ['NET_ADMIN'] }, DEFAULT | CAP_NET_ADMIN],
  [{ CapAdd: ['cap_net_admin'], CapDrop: ['CAP_CHOWN'] }, (DEFAULT | CAP_NET_ADMIN) & ~CAP_CHOWN],
  [{ CapDrop: ['ALL'] }, 0n],
  [{ CapDrop: ['ALL'], CapAdd: ['NET_RAW'] }, CAP_NET_RAW],
  [{ CapAdd: ['ALL'] }, EVERY],
  [{ CapAdd: ['ALL'], CapDrop: ['NET_RAW'] }, EVERY & ~CAP_NET_RAW],
  [{ Privileged: true }, EVERY],
];

for (const [HostConfig, expected] of capabilities)
  test(`capabilities with ${JSON.stringify(HostConfig)}`, async () => {
    const { stdout } = await engine.run({ Cmd: 'grep Cap /proc/self/status', HostConfig });
    const hexadecimal = (expected & EVERY).toString(16).padStart(16, '0');
    for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
      assert.match(stdout, new RegExp(`^${set}:\t${hexadecimal}$`, 'm'));
    assert.match(stdout, /^CapInh:\t0{16}$/m);
    assert.match(stdout, /^CapAmb:\t0{16}$/m);
  });

test('a user other than root has no capability in effect', async () => {
  const { stdout } = await engine.run({ Cmd: 'grep CapEff /proc/self/status', User: '1000' });
  assert.equal(stdout, 'CapEff:\t0000000000000000\n');
});

/** Options, the seccomp mode (2 is a filter), and no_new_privs. */
const confinement: readonly (readonly [object, string])[] = [
  [{}, 'NoNewPrivs:\t0\nSeccomp:\t2\n'],
  [{ SecurityOpt: ['seccomp=unconfined'] }, 'NoNewPrivs:\t0\nSeccomp:\t0\n'],
  [{ SecurityOpt: ['no-new-privileges'] }, 'NoNewPrivs:\t1\nSeccomp:\t2\n'],
  [{ SecurityOpt: ['no-new-privileges:true'] }, 'NoNewPrivs:\t1\nSeccomp:\t2\n'],
  [{ SecurityOpt: ['no-new-privileges=false'] }, 'NoNewPrivs:\t0\nSeccomp:\t2\n'],
  [{ Privileged: true }, 'NoNewPrivs:\t0\nSeccomp:\t0\n'],
];

for (const [HostConfig, expected] of confinement)
  test(`confinement with ${JSON.stringify(HostConfig)}`, async () => {
    const { stdout } = await engine.run({ Cmd: 'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status', HostConfig });
    assert.equal(stdout, expected);
  });

test('the default profile forbids what Docker’s forbids', async () => {
  const { stdout } = await engine.run({
    Cmd: 'unshare -U true 2>/dev/null || echo no user namespace; mount -t tmpfs x /tmp 2>/dev/null || echo no mount',
  });
  assert.equal(stdout, 'no user namespace\nno mount\n');
});

test('a profile of the request’s own is applied', async () => {
  const profile = JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
  });
  const { stderr } = await engine.run({ Cmd: 'mkdir /new', HostConfig: { SecurityOpt: [`seccomp=${profile}`] } });
  assert.match(stderr, /Function not implemented/);
});

test('kernel files are masked or read-only, unless privileged', async () => {
  const Cmd =
    'head -c 1 /proc/kcore | wc -c; cat /proc/timer_list | wc -c; ls -A /sys/firmware | wc -l; (echo 1 > /proc/sys/kernel/panic) 2>&1 | grep -o "Read-only file system"; touch /sys/x 2>&1 | grep -o "Read-only file system"';
  const { stdout } = await engine.run({ Cmd });
  assert.equal(stdout, '0\n0\n0\nRead-only file system\nRead-only file system\n');
  const privileged = await engine.run({
    Cmd: 'test -w /proc/sys/kernel/panic && echo writable; grep -c " /proc/sys " /proc/mounts',
    HostConfig: { Privileged: true },
  });
  assert.equal(privileged.stdout, 'writable\n0\n');
});

test('privileged gives the host’s devices', async () => {
  const plain = await engine.run({ Cmd: ['sh', '-c', 'ls /dev | grep -v core'] });
  assert.deepEqual(plain.stdout.trim().split('\n'), [
    ...['fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', 'stdout'],
    ...['tty', 'urandom', 'zero'],
  ]);
  const privileged = await engine.run({ Cmd: 'ls /dev', HostConfig: { Privileged: true } });
  assert.ok(privileged.stdout.split('\n').length > plain.stdout.split('\n').length);
});

test('namespaces are the container’s own unless shared', async () => {
  const own = await engine.run({ Cmd: 'for n in pid ipc uts net; do readlink /proc/self/ns/$n; done' });
  const shared = await engine.run({
    Cmd: 'for n in pid ipc uts net; do readlink /proc/self/ns/$n; done',
    HostConfig: { PidMode: 'host', IpcMode: 'host', UTSMode: 'host', NetworkMode: 'host' },
  });
  const { stdout: ours } = await engine.inNetwork(
    'sh',
    '-c',
    'for n in pid ipc uts net; do readlink /proc/self/ns/$n; done',
  );
  assert.deepEqual(shared.stdout.split('\n').slice(0, 4), ours.split('\n').slice(0, 4));
  const own4 = own.stdout.trim().split('\n');
  for (const [index, name] of shared.stdout.split('\n').slice(0, 4).entries()) assert.notEqual(own4[index], name);
});

test('the process namespace of another container', async () => {
  const id = await engine.start({ Cmd: ['sleep', '1234'] });
  const { stdout } = await engine.run({ Cmd: 'ps', HostConfig: { PidMode: `container:${id}` } });
  assert.match(stdout, /sleep 1234/);
});
