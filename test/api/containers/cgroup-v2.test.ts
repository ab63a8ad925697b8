import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const ROOT = '/sys/fs/cgroup';
const MEBIBYTE = 1024 * 1024;
/** A host with version 1 controllers, all or some, has no such file there. */
const skip = existsSync(join(ROOT, 'cgroup.controllers')) ? false : 'the host has no control groups version 2';

const engine = await suiteEngine();

/** The folder of a running container's group, as the host sees it. */
async function groupOf(id: string): Promise<string> {
  const { State } = await engine.inspect(id);
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${State.Pid}/cgroup`, 'utf8'))?.[1];
  return join(ROOT, path ?? '');
}

function read(group: string, file: string): string {
  return readFileSync(join(group, file), 'utf8').trim();
}

/** The number after a key in a file of `key value` lines. */
function counter(group: string, file: string, key: string): number {
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(read(group, file))?.[1]);
}

test('a container sees its own group as the root, a privileged one the host’s', { skip }, async () => {
  const own = await engine.run({ Cmd: 'cat /proc/self/cgroup; mkdir /sys/fs/cgroup/a 2>/dev/null || echo read-only' });
  assert.equal(own.stdout, '0::/\nread-only\n');
  assert.equal((await engine.inspect(own.id)).HostConfig.CgroupnsMode, 'private');
  const privileged = await engine.run({ Cmd: 'cat /proc/self/cgroup', HostConfig: { Privileged: true } });
  assert.match(privileged.stdout, new RegExp(`^0::/.*${privileged.id}`));
  const host = await engine.run({ Cmd: 'cat /proc/self/cgroup', HostConfig: { CgroupnsMode: 'host' } });
  assert.match(host.stdout, new RegExp(`^0::/.*${host.id}`));
});

test('limits are the group’s: swap is what is beyond memory, weights are converted', { skip }, async () => {
  const limits = {
    Memory: 64 * MEBIBYTE,
    MemorySwap: 80 * MEBIBYTE,
    CpuShares: 2048,
    CpuQuota: 30_000,
    PidsLimit: 40,
  };
  const group = await groupOf(await engine.start({ HostConfig: limits }));
  assert.equal(read(group, 'memory.max'), String(64 * MEBIBYTE));
  assert.equal(read(group, 'memory.swap.max'), String(16 * MEBIBYTE));
  assert.match(read(group, 'cpu.weight'), /^(79|170)$/); // the runtimes' older formula, and the newer
  assert.equal(read(group, 'cpu.max'), '30000 100000');
  assert.equal(read(group, 'pids.max'), '40');
});

test('unlimited swap, and no limits at all', { skip }, async () => {
  const swap = await groupOf(await engine.start({ HostConfig: { Memory: 64 * MEBIBYTE, MemorySwap: -1 } }));
  assert.equal(read(swap, 'memory.swap.max'), 'max');
  const none = await groupOf(await engine.start());
  for (const file of ['memory.max', 'memory.swap.max', 'pids.max']) assert.equal(read(none, file), 'max', file);
  assert.equal(read(none, 'cpu.max'), 'max 100000');
});

test('a busy container is held to its share of a CPU', { skip }, async () => {
  const id = await engine.start({ Cmd: 'while :; do :; done', HostConfig: { NanoCpus: 1e8 } });
  await engine.exec(id, 'sleep 1');
  const group = await groupOf(id);
  assert.ok(counter(group, 'cpu.stat', 'nr_throttled') > 0, read(group, 'cpu.stat'));
});

test('a paused container’s group is frozen, and runs on afterwards', { skip }, async () => {
  const id = await engine.start();
  const group = await groupOf(id);
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  assert.equal(read(group, 'cgroup.freeze'), '1');
  assert.equal(counter(group, 'cgroup.events', 'frozen'), 1);
  await engine.expect(204, 'POST', `/containers/${id}/unpause`);
  assert.equal(counter(group, 'cgroup.events', 'frozen'), 0);
});

test('a paused container can be stopped', { skip }, async () => {
  const id = await engine.start();
  const group = await groupOf(id);
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  await engine.expect(204, 'POST', `/containers/${id}/stop?t=1`);
  assert.equal((await engine.inspect(id)).State.Running, false);
  assert.equal(existsSync(group), false);
});

test('top lists processes of groups made inside too, and no group is left after the end', { skip }, async () => {
  const id = await engine.start({
    Cmd: 'mkdir /sys/fs/cgroup/below; sleep 1000 & echo $! >/sys/fs/cgroup/below/cgroup.procs; echo ready; read line',
    OpenStdin: true,
    HostConfig: { SecurityOpt: ['writable-cgroups=true'] },
  });
  const log = await engine.stream('GET', `/containers/${id}/logs?follow=1&stdout=1`);
  await log.received.contains('ready');
  log.close();
  const { Processes } = (await engine.expect(200, 'GET', `/containers/${id}/top`)).json<{ Processes: string[][] }>();
  assert.ok(
    Processes.some((row) => row.at(-1) === 'sleep 1000'),
    JSON.stringify(Processes),
  );
  const group = await groupOf(id);
  await engine.expect(204, 'POST', `/containers/${id}/kill`);
  await engine.wait(id);
  assert.equal(existsSync(group), false);
});
