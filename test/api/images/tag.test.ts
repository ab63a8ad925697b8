import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshImage, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('tag: a second name for the same image', async () => {
  const { image, name, repository } = await freshImage(engine);
  await engine.expect(201, 'POST', `/images/${name}/tag?repo=${repository}&tag=v2`);
  await engine.expect(201, 'POST', `/images/${image.id}/tag?repo=example.org:5000/team/${repository}`);
  assert.deepEqual((await engine.inspectImage(name)).RepoTags.toSorted(), [
    `example.org:5000/team/${repository}:latest`,
    name,
    `${repository}:v2`,
  ]);
});

test('a tag that moves leaves the old image without it', async () => {
  const [one, two] = [await freshImage(engine), await freshImage(engine)];
  await engine.expect(201, 'POST', `/images/${two.name}/tag?repo=${one.repository}&tag=latest`);
  assert.equal((await engine.inspectImage(one.name)).Id, two.image.id);
  assert.deepEqual((await engine.inspectImage(one.image.id)).RepoTags, []);
  await engine.expect(200, 'DELETE', `/images/${one.image.id}`);
});

test('tag: what is refused', async () => {
  const expected: readonly (readonly [string, number, RegExp])[] = [
    ['nope/tag?repo=xx', 404, /^No such image: nope:latest$/],
    ['busybox/tag?repo=UPPER', 400, /^invalid reference format: repository name \(library\/UPPER\) must be lowercase$/],
    ['busybox/tag?repo=xx&tag=b%20d', 400, /^invalid tag format$/],
    [`busybox/tag?repo=${'a'.repeat(64)}`, 400, /cannot specify 64-byte hexadecimal strings/],
  ];
  for (const [path, status, message] of expected) {
    const answer = await engine.http('POST', `/images/${path}`);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    assert.match(answer.message, message);
  }
});
