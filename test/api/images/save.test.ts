import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest, readTar, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.settings);
await engine.load(engine.images.layered);

test('save gives back the layers bit for bit, and what load takes', async () => {
  const { layered } = engine.images;
  const archive = (await engine.expect(200, 'GET', '/images/layered:latest/get')).body;
  const entries = new Map(readTar(archive).map(({ path, content }) => [path, content]));
  const manifest = JSON.parse(entries.get('manifest.json')?.toString() ?? '') as {
    Config: string;
    RepoTags: string[];
    Layers: string[];
  }[];
  assert.deepEqual(manifest[0]?.RepoTags, ['layered:latest']);
  assert.equal(digest(entries.get(manifest[0]?.Config ?? '') ?? ''), layered.id);
  assert.deepEqual(
    manifest[0]?.Layers.map((path) => digest(entries.get(path) ?? '')),
    layered.diffIds,
  );
  const loaded = await engine.expect(200, 'POST', '/images/load?quiet=1', archive);
  assert.deepEqual(loaded.lines(), [{ stream: 'Loaded image: layered:latest\n' }]);
});

test('save of several images shares their layers', async () => {
  const archive = (await engine.expect(200, 'GET', '/images/get?names=busybox&names=settings:latest')).body;
  const entries = readTar(archive);
  const manifest = JSON.parse(entries.find(({ path }) => path === 'manifest.json')?.content.toString() ?? '') as {
    RepoTags: string[];
  }[];
  assert.deepEqual(manifest.flatMap(({ RepoTags }) => RepoTags).sort(), ['busybox:latest', 'settings:latest']);
});
