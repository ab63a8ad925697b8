import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
const MEBIBYTE = 1024 * 1024;

/** Reads the first of the files that is there: the name in control groups version 2, then the one in version 1. */
function read(version2: string, version1: string): string {
  return `cat /sys/fs/cgroup/${version2} 2>/dev/null || cat /sys/fs/cgroup/${version1}`;
}

/** Limits: HostConfig, how to read them inside the container, and what is read in version 2 or version 1. */
const limits: readonly (readonly [string, object, string, RegExp])[] = [
  [
    'memory',
    { Memory: 64 * MEBIBYTE },
    read('memory.max', 'memory/memory.limit_in_bytes'),
    new RegExp(`^${64 * MEBIBYTE}\n$`),
  ],
  [
    'memory reservation',
    { MemoryReservation: 32 * MEBIBYTE },
    read('memory.low', 'memory/memory.soft_limit_in_bytes'),
    new RegExp(`^${32 * MEBIBYTE}\n$`),
  ],
  [
    'memory and swap',
    { Memory: 64 * MEBIBYTE, MemorySwap: 96 * MEBIBYTE },
    read('memory.swap.max', 'memory/memory.memsw.limit_in_bytes'),
    new RegExp(`^(${32 * MEBIBYTE}|${96 * MEBIBYTE})\n$`),
  ],
  [
    'swap is twice the memory by default',
    { Memory: 64 * MEBIBYTE },
    read('memory.swap.max', 'memory/memory.memsw.limit_in_bytes'),
    new RegExp(`^(${64 * MEBIBYTE}|${128 * MEBIBYTE})\n$`),
  ],
  [
    'CPUs',
    { NanoCpus: 1.5e9 },
    read('cpu.max', 'cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us'),
    /^150000[ \n]100000\n$/,
  ],
  [
    'CPU quota and period',
    { CpuQuota: 20_000, CpuPeriod: 50_000 },
    read('cpu.max', 'cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us'),
    /^20000[ \n]50000\n$/,
  ],
  ['CPU shares', { CpuShares: 512 }, read('cpu.weight', 'cpu/cpu.shares'), /^(20|59|512)\n$/],
  ['CPU set', { CpusetCpus: '0' }, read('cpuset.cpus', 'cpuset/cpuset.cpus'), /^0\n$/],
  ['processes', { PidsLimit: 50 }, read('pids.max', 'pids/pids.max'), /^50\n$/],
  ['processes without limit', { PidsLimit: -1 }, read('pids.max', 'pids/pids.max'), /^max\n$/],
  ['open files', { Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }] }, 'ulimit -Sn; ulimit -Hn', /^100\n200\n$/],
  ['OOM score', { OomScoreAdj: 500 }, 'cat /proc/self/oom_score_adj', /^500\n$/],
  ['shared memory', { ShmSize: 8 * MEBIBYTE }, 'df -k /dev/shm | tail -1 | awk "{print \\$2}"', /^8192\n$/],
];

for (const [name, HostConfig, Cmd, expected] of limits)
  test(`limit: ${name}`, async () => {
    const { stdout, stderr } = await engine.run({ Cmd, HostConfig });
    assert.match(stdout, expected, stderr);
  });

test('no process can start beyond the limit', async () => {
  const { stdout, stderr } = await engine.run({
    Cmd: 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 5 & done; echo started',
    HostConfig: { PidsLimit: 5 },
  });
  assert.match(stdout + stderr, /can't fork|Resource temporarily unavailable/);
});

test('unknown or dangerous devices cannot be made or opened', async () => {
  const { stdout } = await engine.run({ Cmd: 'mknod /disk b 254 0 && { cat /disk >/dev/null 2>&1 || echo denied; }' });
  assert.equal(stdout, 'denied\n');
});

test('a device given to the container works', async () => {
  const { stdout } = await engine.run({
    Cmd: 'stat -c %F:%t:%T /dev/given; head -c 4 /dev/given | od -An -tx1',
    HostConfig: { Devices: [{ PathOnHost: '/dev/zero', PathInContainer: '/dev/given', CgroupPermissions: 'rwm' }] },
  });
  assert.equal(stdout, 'character special file:1:5\n 00 00 00 00\n');
});

test('sysctls of the container’s own namespaces', async () => {
  const { stdout } = await engine.run({
    Cmd: 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced',
    HostConfig: { Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '70', 'kernel.shm_rmid_forced': '1' } },
  });
  assert.equal(stdout, '70\n1\n');
});
