import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageDeleteEntry } from '../../../src/contract/docker/index.ts';
import { freshImage, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('remove: the tag, then the image and its layers', async () => {
  const { image, name, repository } = await freshImage(engine);
  await engine.expect(201, 'POST', `/images/${name}/tag?repo=${repository}&tag=second`);
  const first = (await engine.expect(200, 'DELETE', `/images/${name}`)).json<ImageDeleteEntry[]>();
  assert.deepEqual(first, [{ Untagged: name }]);
  const last = (await engine.expect(200, 'DELETE', `/images/${repository}:second`)).json<ImageDeleteEntry[]>();
  assert.deepEqual(last, [{ Untagged: `${repository}:second` }, { Deleted: image.id }, { Deleted: image.diffIds[0] }]);
  assert.equal((await engine.http('GET', `/images/${image.id}/json`)).status, 404);
});

test('remove by ID: one name is enough, several need force', async () => {
  const { image, name, repository } = await freshImage(engine);
  await engine.expect(201, 'POST', `/images/${name}/tag?repo=${repository}-other&tag=x`);
  const refused = await engine.http('DELETE', `/images/${image.id}`);
  assert.equal(refused.status, 409);
  assert.equal(
    refused.message,
    `conflict: unable to delete ${image.id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
  );
  await engine.expect(200, 'DELETE', `/images/${image.id}?force=1`);
  assert.equal((await engine.http('GET', `/images/${name}/json`)).status, 404);
});

test('an image in use', async () => {
  const { image, name } = await freshImage(engine);
  const id = await engine.create({ Image: name });
  const short = image.id.slice(7, 19);
  const container = id.slice(0, 12);
  const tagged = await engine.http('DELETE', `/images/${name}`);
  assert.deepEqual(
    [tagged.status, tagged.message],
    [
      409,
      `conflict: unable to remove repository reference "${name}" (must force) - container ${container} is using its referenced image ${short}`,
    ],
  );
  const byId = await engine.http('DELETE', `/images/${image.id}`);
  assert.deepEqual(
    [byId.status, byId.message],
    [
      409,
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${container}`,
    ],
  );
  await engine.remove(id);
  await engine.expect(200, 'DELETE', `/images/${name}`);

  const running = await engine.start();
  const used = await engine.http('DELETE', `/images/${engine.images.busybox.id}?force=1`);
  assert.equal(used.status, 409);
  assert.match(
    used.message,
    /^conflict: unable to delete [0-9a-f]{12} \(cannot be forced\) - image is being used by running container [0-9a-f]{12}$/,
  );
  await engine.remove(running);
});
