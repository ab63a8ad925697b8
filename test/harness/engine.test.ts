import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from './engine.ts';

before(() => {
  process.env.GANTRY_TEST_ENTRY = join(import.meta.dirname, 'fake-engine.ts');
});

/** The command line of a process; empty when it has ended, reaped or not. */
function commandOf(pid: string | undefined): string {
  return existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
}

test('an engine starts in under two seconds, answers, and is gone with its directory', async () => {
  const begun = Date.now();
  const engine = await startEngine();
  assert.ok(Date.now() - begun < 2000, `${Date.now() - begun} ms`);
  await engine.expectNothingLeft();
  await engine[Symbol.asyncDispose]();
  assert.equal(existsSync(engine.directory), false);
});

test('killed and started again, it is in the same namespaces', async () => {
  await using engine = await startEngine();
  const first = engine.enginePid;
  await engine.http('POST', '/litter');
  await engine.kill9();
  assert.equal(engine.enginePid, undefined);
  await engine.begin();
  assert.notEqual(engine.enginePid, first);
  assert.equal((await engine.inNetwork('ip', 'link', 'show', 'litter0')).status, 0);
});

test('leftovers of every kind are named, and disposal removes them', async () => {
  const engine = await startEngine();
  await engine.http('POST', '/litter');
  const leftovers = (await engine.leftovers()).join('\n');
  assert.match(leftovers, /^links: litter0$/m);
  assert.match(leftovers, /^mounts: .*\/data\/containers tmpfs$/m);
  assert.match(leftovers, /^firewall: table inet litter/m);
  assert.match(leftovers, /^files: .*\/data\/litter$/m);
  const pid = /^processes: (\d+) sh -c sleep 1000/m.exec(leftovers)?.[1];
  assert.notEqual(commandOf(pid), '');
  await assert.rejects(engine.expectNothingLeft(), /left behind:\n/);
  await engine[Symbol.asyncDispose]();
  assert.equal(commandOf(pid), '');
  assert.ok(!existsSync(engine.directory));
});

test('an engine that ends while it starts is an error that shows its log', async () => {
  await assert.rejects(
    startEngine({ nodeOptions: ['--no-such-option'] }),
    /the engine ended \(9\):\n.*no-such-option/s,
  );
});

test('steps of all threads are recorded, and the engine dies at the one asked for', async () => {
  await using engine = await startEngine();
  await engine.http('POST', '/step');
  assert.deepEqual(engine.steps.seen, []);

  engine.killAtStep(0);
  await engine.http('POST', '/step');
  await engine.http('POST', '/step');
  assert.deepEqual(engine.steps.seen, Array(2).fill({ thread: 0, action: 'effect', subject: 'of the main thread' }));

  engine.killAtStep(2);
  await engine.http('POST', '/step');
  await engine.http('POST', '/worker-step').catch(() => {});
  await engine.death();
  assert.deepEqual(
    engine.steps.seen.map(({ subject }) => subject),
    ['of the main thread', 'of a worker'],
  );
  engine.steps.disarm();
  await engine.begin();
  await engine.http('POST', '/step');
});
