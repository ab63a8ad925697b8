import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { errnoOf, isKind } from '../base/index.ts';
import { bufferTask, readTask, refuseTask, writeTask } from './confined.fixture.ts';
import { type ConfinedThreads, openConfinedThreads } from './confined.ts';

describe('confined threads', () => {
  let folder: string;
  let threads: ConfinedThreads;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-confined-'));
    mkdirSync(join(folder, 'tree/etc'), { recursive: true });
    writeFileSync(join(folder, 'secret'), 'outside');
    writeFileSync(join(folder, 'tree/etc/name'), 'inside');
    symlinkSync('/etc', join(folder, 'tree/absolute'));
    symlinkSync('../../../../../../../../etc', join(folder, 'tree/relative'));
    threads = openConfinedThreads({ entry: new URL('./confined.fixture.ts', import.meta.url) });
  });

  after(async () => {
    await threads[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it('sees the tree as its root', async () => {
    const root = join(folder, 'tree');
    for (const path of ['/etc/name', '/absolute/name', '/relative/name', '../../etc/name']) {
      assert.equal(await threads.run(root, readTask, path), 'inside');
    }
    await assert.rejects(threads.run(root, readTask, '/../secret'), (error) => errnoOf(error) === 'ENOENT');
    await assert.rejects(threads.run(root, readTask, join(folder, 'secret')), (error) => errnoOf(error) === 'ENOENT');
  });

  it('returns to the real root between tasks, and leaves the engine alone', async () => {
    const workingDirectory = process.cwd();
    await threads.run(join(folder, 'tree'), readTask, '/etc/name');
    assert.equal(await threads.run(folder, readTask, '/secret'), 'outside');
    assert.equal(process.cwd(), workingDirectory);
    assert.equal(readFileSync(join(folder, 'secret'), 'utf8'), 'outside');
  });

  it('makes files with exactly the mode that is asked for', async () => {
    await threads.run(folder, writeTask, { path: '/wide', content: '', mode: 0o777 });
    assert.equal(statSync(join(folder, 'wide')).mode & 0o7777, 0o777);
  });

  it('runs a short task while long ones wait', async () => {
    const order: string[] = [];
    const long = Array.from({ length: 6 }, (_, index) =>
      threads
        .run(folder, writeTask, { path: `/long${index}`, content: 'x'.repeat(1 << 22), mode: 0o600 })
        .then(() => order.push('long')),
    );
    const short = threads.run(folder, readTask, '/secret').then(() => order.push('short'));
    await Promise.all([...long, short]);
    assert.ok(order.indexOf('short') < order.length - 1, order.join());
  });

  it('carries errors with their kind or code, and goes on', async () => {
    await assert.rejects(threads.run(folder, refuseTask, null), (error) => isKind(error, 'invalidParameter'));
    await assert.rejects(threads.run(join(folder, 'nothing'), readTask, '/'), (e) => errnoOf(e) === 'ENOENT');
    assert.equal(await threads.run(folder, readTask, '/secret'), 'outside');
  });

  it('moves buffers', async () => {
    assert.equal((await threads.run(folder, bufferTask, 1 << 20)).byteLength, 1 << 20);
  });
});
