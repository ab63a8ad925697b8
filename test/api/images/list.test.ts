import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageSummary } from '../../../src/contract/docker/index.ts';
import { freshImage, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.settings);

async function list(filters: object, more = ''): Promise<ImageSummary[]> {
  const query = `filters=${encodeURIComponent(JSON.stringify(filters))}${more}`;
  return (await engine.expect(200, 'GET', `/images/json?${query}`)).json<ImageSummary[]>();
}

test('list and its filters', async () => {
  const { image, name, repository } = await freshImage(engine);
  const [entry] = await list({ reference: [repository] });
  assert.ok(entry);
  assert.deepEqual(
    [entry.Id, entry.RepoTags, entry.RepoDigests, entry.ParentId, entry.Containers, entry.SharedSize, entry.Created],
    [image.id, [name], [], '', 0, -1, 1_704_067_200],
  );
  const ids = async (filters: object) => (await list(filters)).map(({ Id }) => Id);
  assert.deepEqual(await ids({ reference: [`${repository}:*`] }), [image.id]);
  assert.deepEqual(await ids({ reference: [`${repository}:other`] }), []);
  assert.ok((await ids({ label: ['image.label=kept'] })).includes(engine.images.settings.id));
  assert.deepEqual(await ids({ label: ['image.label=lost'] }), []);
  assert.ok(!(await ids({ dangling: ['true'] })).includes(image.id));
  assert.ok((await ids({ dangling: ['false'] })).includes(image.id));
  await engine.expect(200, 'DELETE', `/images/${name}`);
});
