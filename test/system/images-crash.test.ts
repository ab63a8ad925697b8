import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inventory, openTestImages } from '../../src/images/images.fixture.ts';
import { pushImage, startRegistry, type TestRegistry } from '../../src/images/registry.fixture.ts';

const PROGRAM = fileURLToPath(new URL('../../src/images/crash.fixture.ts', import.meta.url));

let registry: TestRegistry;
before(async () => {
  registry = await startRegistry();
});
after(() => registry[Symbol.asyncDispose]());

/** Does the job in a process of its own, which dies at the given step (0: at none); returns how many steps it took. */
function attempt(root: string, job: string, subject: string, dieAt: number): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  execFile(process.execPath, [PROGRAM, root, job, subject, String(dieAt)], (error, stdout, stderr) => {
    if (error === null) resolve(Number(stdout));
    else if (error.signal === 'SIGKILL') resolve(undefined);
    else reject(new Error(stderr));
  });
  return promise;
}

/**
 * Kills the job at each step in turn. After the next start the data root must be as `isSound` wants it, and doing the
 * job again must succeed.
 */
async function killEverywhere(
  job: string,
  subject: string,
  prepare: (root: string) => Promise<void>,
  isSound: (found: { names: string[]; counts: number[] }, atStep: number) => void,
): Promise<void> {
  const prepared = await mkdtemp(join(tmpdir(), 'gantry-crash-'));
  const root = `${prepared}-copy`;
  try {
    await prepare(prepared);
    for (let dieAt = 1; ; dieAt++) {
      await cp(prepared, root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
      const finished = await attempt(root, job, subject, dieAt);
      isSound(await look(root), dieAt);
      await rm(root, { recursive: true, force: true });
      if (finished !== undefined) return;
    }
  } finally {
    await rm(prepared, { recursive: true, force: true });
    await rm(root, { recursive: true, force: true });
  }
}

async function look(root: string) {
  await using setup = await openTestImages(root);
  const names = setup.images
    .list({ usersOf: () => [] })
    .flatMap(({ RepoTags }) => (RepoTags.length ? RepoTags : ['<none>']));
  const left = await inventory(root);
  assert.deepEqual(left.temporary, []);
  return { names: names.toSorted(), counts: [left.images.length, left.layers.length, left.directories.length] };
}

test('a load that dies at any step leaves the image whole or not at all', async () => {
  const outcomes = new Set<string>();
  await killEverywhere(
    'load',
    'b:1',
    async (root) => {
      await attempt(root, 'load', 'a:1', 0);
    },
    (found) => outcomes.add(JSON.stringify(found)),
  );
  const before = { names: ['a:1'], counts: [1, 2, 2] };
  const done = { names: ['a:1', 'b:1'], counts: [2, 3, 3] };
  assert.deepEqual(
    [...outcomes],
    [before, done].map((found) => JSON.stringify(found)),
  );
});

test('a pull that dies at any step leaves the image whole or not at all', async () => {
  await pushImage(registry.host, 'p', 'latest', { layers: ['one'] });
  const name = `${registry.host}/p:latest`;
  const outcomes = new Set<string>();
  await killEverywhere(
    'pull',
    name,
    async () => undefined,
    (found) => outcomes.add(JSON.stringify(found)),
  );
  const done = { names: [name], counts: [1, 1, 1] };
  assert.deepEqual(
    [...outcomes],
    [{ names: [], counts: [0, 0, 0] }, done].map((found) => JSON.stringify(found)),
  );
});

test('a removal that dies at any step leaves the image whole or not at all', async () => {
  const outcomes = new Set<string>();
  await killEverywhere(
    'remove',
    'b:1',
    async (root) => {
      await attempt(root, 'load', 'a:1', 0);
      await attempt(root, 'load', 'b:1', 0);
    },
    (found) => outcomes.add(JSON.stringify(found)),
  );
  const before = { names: ['a:1', 'b:1'], counts: [2, 3, 3] };
  const done = { names: ['a:1'], counts: [1, 2, 2] };
  assert.deepEqual(
    [...outcomes],
    [before, done].map((found) => JSON.stringify(found)),
  );
});
