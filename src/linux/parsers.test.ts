import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectCgroups, openCgroup, parseMountInfo } from './index.ts';
import { parseProcessStat } from './process.ts';

test('mountinfo: escapes, optional fields', () => {
  const [mount] = parseMountInfo(
    '36 35 98:0 /mnt1 /with\\040space\\134 rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\n',
  );
  assert.deepEqual(mount, {
    id: 36,
    parentId: 35,
    device: '98:0',
    root: '/mnt1',
    mountPoint: '/with space\\',
    options: ['rw', 'noatime'],
    propagation: ['shared:1', 'master:2'],
    type: 'ext3',
    source: '/dev/root',
    superOptions: ['rw', 'errors=continue'],
  });
});

test('process stat: a name with spaces and parentheses', () => {
  const fields = ['S', '7', ...Array.from({ length: 17 }, () => '0'), '4242', '0'].join(' ');
  const { pid, parent, name, state, startTime } = parseProcessStat(`12 (a) b (c) ${fields}`);
  assert.deepEqual([pid, parent, name, state, startTime], [12, 7, 'a) b (c', 'S', 4242]);
});

const mountLine = (point: string, type: string, options: string) =>
  `1 1 0:1 / ${point} rw - ${type} none rw,${options}`;

test('cgroups: versions and folders', () => {
  const hybrid = detectCgroups(
    parseMountInfo(
      [
        mountLine('/sys/fs/cgroup/memory', 'cgroup', 'memory'),
        mountLine('/sys/fs/cgroup/cpu', 'cgroup', 'cpu,cpuacct'),
        mountLine('/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate'),
      ].join('\n'),
    ),
  );
  assert.equal(hybrid.version, 1);
  assert.equal(openCgroup(hybrid, '/docker/x').folder('cpuacct'), '/sys/fs/cgroup/cpu/docker/x');
  assert.throws(() => openCgroup(hybrid, '/docker/x').folder('pids'), /no cgroup controller pids/);
  const unified = detectCgroups(parseMountInfo(mountLine('/sys/fs/cgroup', 'cgroup2', 'nsdelegate')));
  assert.equal(unified.version, 2);
  assert.equal(openCgroup(unified, '/docker/x').folder('memory'), '/sys/fs/cgroup/docker/x');
  assert.deepEqual(openCgroup(unified, '/does-not-exist').processes(), []);
});
