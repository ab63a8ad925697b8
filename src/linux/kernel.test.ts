import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inOwnNamespaces } from '../../test/harness/own-namespaces.ts';
import {
  type Kernel,
  KernelError,
  mountOf,
  processStartTime,
  readMounts,
  removeLinksInBackground,
  runProgram,
  startKernel,
  waitForExit,
} from './index.ts';

const SIGKILL = 9;

if (inOwnNamespaces(import.meta.url)) {
  describe('the kernel thread', () => {
    let kernel: Kernel;
    let folder: string;
    before(async () => {
      kernel = await startKernel();
      folder = mkdtempSync(join(tmpdir(), 'gantry-kernel-'));
    });
    after(async () => {
      await kernel[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    });

    test('runs programs', async () => {
      const { status, stdout, stderr } = await runProgram(
        kernel,
        '/bin/sh',
        ['-c', 'cat; pwd; echo "$WORD" >&2; exit 3'],
        { environment: { WORD: 'hello' }, workingDirectory: '/proc', input: 'in\n' },
      );
      assert.deepEqual({ status, stdout, stderr }, { status: { code: 3 }, stdout: 'in\n/proc\n', stderr: 'hello\n' });
      const many = await Promise.all(
        Array.from({ length: 20 }, () => runProgram(kernel, '/bin/sh', ['-c', 'kill -9 $$'])),
      );
      assert.ok(many.every((result) => result.status.code === 137 && result.status.signal === SIGKILL));
    });

    test('gives a child nothing but the descriptors it was meant to have', async () => {
      const { stdout } = await runProgram(kernel, '/bin/sh', [
        '-c',
        'ls /proc/$$/fd; exec grep Sig[BI] /proc/self/status',
      ]);
      // Older releases of glibc leave their internal signals, 32 and 33, ignored.
      assert.match(stdout, /^0\n1\n2\nSigBlk:\t0+\nSigIgn:\t0+(180000000)?\n$/);
    });

    test('gives a child files and sockets at the numbers asked for', async () => {
      const path = join(folder, 'log');
      const [spawned] = await kernel.run([
        {
          op: 'spawn',
          file: '/bin/sh',
          arguments: ['-c', 'echo to-file; echo to-socket >&4; echo to-second >&3'],
          descriptors: { 1: { path, flags: 'append' }, 3: 'socketpair', 4: 'socketpair' },
          wait: true,
        },
      ]);
      assert.deepEqual(spawned.status, { code: 0 });
      assert.equal(readFileSync(path, 'utf8'), 'to-file\n');
      for (const [number, text] of [
        [3, 'to-second\n'],
        [4, 'to-socket\n'],
      ] as const) {
        const descriptor = spawned.sockets[number] ?? -1;
        assert.equal(readFileSync(descriptor, 'utf8'), text);
        closeSync(descriptor);
      }
    });

    test('signals exactly the process that is meant', async () => {
      const [{ pid }] = await kernel.run([{ op: 'spawn', file: '/bin/sleep', arguments: ['1000'] }]);
      const startTime = processStartTime(pid);
      assert.ok(startTime !== undefined);
      const [wrong] = await kernel.run([{ op: 'signal', pid, startTime: startTime + 1, signal: SIGKILL }]);
      const [right] = await kernel.run([{ op: 'signal', pid, startTime, signal: SIGKILL }]);
      assert.deepEqual([wrong, right], [false, true]);
      assert.deepEqual(await waitForExit(pid), { code: 137, signal: SIGKILL });
      assert.equal(processStartTime(pid), undefined);
    });

    test('mounts and unmounts', async () => {
      const target = join(folder, 'a folder');
      await runProgram(kernel, '/bin/mkdir', [target]);
      await kernel.run([{ op: 'mount', source: 'tmpfs', target, type: 'tmpfs', flags: ['nosuid'], data: 'size=1m' }]);
      const mount = mountOf(join(target, 'file'), readMounts());
      assert.equal(mount?.mountPoint, target);
      assert.ok(mount.options.includes('nosuid'));
      await kernel.run([{ op: 'unmount', target }]);
      await kernel.run([{ op: 'unmount', target, ignoreMissing: true }]);
      await assert.rejects(kernel.run([{ op: 'unmount', target }]), { code: 'EINVAL' });
    });

    test('finds the lower folders of an overlay from its working directory', async () => {
      for (const name of ['lower', 'upper', 'work', 'merged'])
        await runProgram(kernel, '/bin/mkdir', [join(folder, name)]);
      writeFileSync(join(folder, 'lower/file'), 'x');
      const target = join(folder, 'merged');
      await kernel.run([
        {
          op: 'mount',
          source: 'overlay',
          target,
          type: 'overlay',
          flags: [],
          data: 'lowerdir=lower,upperdir=upper,workdir=work',
          workingDirectory: folder,
        },
      ]);
      assert.deepEqual(readdirSync(target), ['file']);
      await kernel.run([{ op: 'unmount', target }]);
    });

    test('stops a batch at its first failure and says which', async () => {
      const failure = await kernel
        .run([
          { op: 'makeBridge', name: 'br0' },
          { op: 'makeBridge', name: 'br0' },
          { op: 'makeBridge', name: 'br1' },
        ])
        .catch((error) => error);
      assert.ok(failure instanceof KernelError);
      assert.deepEqual([failure.code, failure.index, failure.results.length], ['EEXIST', 1, 1]);
      const [links] = await kernel.run([{ op: 'listLinks' }]);
      assert.deepEqual(links.map(({ name }) => name).sort(), ['br0', 'lo']);
      await kernel.run([{ op: 'removeLink', link: 'br0' }]);
    });

    test('works inside namespaces and comes back, errors included', async () => {
      const path = join(folder, 'namespace');
      await kernel.run([{ op: 'makeNamespace', kind: 'network', path }]);
      await assert.rejects(kernel.run([{ op: 'makeNamespace', kind: 'network', path }]), { code: 'EEXIST' });
      await kernel.run([
        { op: 'makeBridge', name: 'br0' },
        {
          op: 'makeVethPair',
          name: 'veth0',
          bridge: 'br0',
          mtu: 1400,
          hairpin: true,
          peer: { name: 'eth0', namespace: path, macAddress: '02:42:0a:00:00:02' },
        },
        { op: 'addAddress', link: 'eth0', address: '10.0.0.2', prefixLength: 24, namespace: path },
        { op: 'configureLink', link: 'eth0', up: true, namespace: path },
        { op: 'setRoute', gateway: '10.0.0.1', namespace: path },
        { op: 'sysctl', key: 'net/ipv4/ip_forward', value: '1', namespace: path },
      ]);
      await assert.rejects(
        kernel.run([{ op: 'addAddress', link: 'no', address: '1.1.1.1', prefixLength: 8, namespace: path }]),
      );
      const [inside, addresses, outside] = await kernel.run([
        { op: 'listLinks', namespace: path },
        { op: 'listAddresses', namespace: path },
        { op: 'listLinks' },
      ]);
      assert.deepEqual(
        inside.map(({ name, kind, up, mtu }) => ({ name, kind, up, mtu })),
        [
          { name: 'lo', kind: '', up: true, mtu: 65536 },
          { name: 'eth0', kind: 'veth', up: true, mtu: 1400 },
        ],
      );
      assert.ok(addresses.some(({ address, prefixLength }) => address === '10.0.0.2' && prefixLength === 24));
      assert.deepEqual(
        outside.map(({ name }) => name),
        ['lo', 'br0', 'veth0'],
      );
      await kernel.run([{ op: 'disablePort', link: 'veth0' }]);
      await removeLinksInBackground(['veth0', 'missing']);
      await kernel.run([
        { op: 'removeNamespace', path },
        { op: 'removeNamespace', path },
        { op: 'removeLink', link: 'br0' },
      ]);
      assert.ok(!existsSync(path));
      assert.ok(readMounts().every(({ type }) => type !== 'nsfs'));
    });

    test('binds sockets', async () => {
      const [{ descriptor, port }] = await kernel.run([
        { op: 'bindSocket', type: 'tcp', address: '127.0.0.1', port: 0, listen: true },
      ]);
      assert.ok(port > 0);
      await assert.rejects(kernel.run([{ op: 'bindSocket', type: 'tcp', address: '0.0.0.0', port, listen: true }]), {
        code: 'EADDRINUSE',
      });
      await kernel.run([{ op: 'close', descriptors: [descriptor, descriptor] }]);
    });

    test('answers fast', async () => {
      const rounds = 500;
      const start = performance.now();
      for (let round = 0; round < rounds; round += 1) await kernel.run([]);
      const milliseconds = (performance.now() - start) / rounds;
      console.log(`round trip ${milliseconds.toFixed(3)} ms`);
      assert.ok(milliseconds < 5);
    });
  });
}
