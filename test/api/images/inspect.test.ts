import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshImage, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.settings);

test('inspect: what was built is what is told', async () => {
  const { settings } = engine.images;
  const image = await engine.inspectImage('settings');
  assert.deepEqual([image.Id, image.RepoTags, image.RepoDigests], [settings.id, ['settings:latest'], []]);
  assert.deepEqual([image.Architecture, image.Os, image.Created], ['amd64', 'linux', '2024-01-01T00:00:00Z']);
  assert.deepEqual(image.RootFS, { Type: 'layers', Layers: [...settings.diffIds] });
  assert.equal(image.GraphDriver.Name, 'overlay2');
  assert.ok(image.Size > 1_000_000);
  const { Config } = image;
  assert.deepEqual(
    [Config?.User, Config?.Entrypoint, Config?.Cmd, Config?.WorkingDir, Config?.StopSignal],
    ['tester', ['/bin/echo', 'entry'], ['default'], '/work/dir', 'SIGUSR1'],
  );
  assert.deepEqual(Config?.Labels, { 'image.label': 'kept', 'both.label': 'image' });
});

test('inspect by every kind of reference', async () => {
  const { image, name, repository } = await freshImage(engine);
  const hex = image.id.replace('sha256:', '');
  for (const reference of [name, repository, `docker.io/library/${repository}`, image.id, hex, hex.slice(0, 12)])
    assert.equal((await engine.inspectImage(reference)).Id, image.id, reference);
});

test('no such image', async () => {
  for (const [method, path, message] of [
    ['GET', 'nope/json', 'No such image: nope:latest'],
    ['GET', 'nope:tag/json', 'No such image: nope:tag'],
    ['GET', 'nope/history', 'No such image: nope:latest'],
    ['DELETE', 'nope', 'No such image: nope:latest'],
    ['GET', 'nope/get', 'No such image: nope'],
  ] as const) {
    const answer = await engine.http(method, `/images/${path}`);
    assert.deepEqual([answer.status, answer.message], [404, message], path);
  }
});
