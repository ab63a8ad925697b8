import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ProgressMessage } from '../../../src/contract/docker/index.ts';
import { imageArchive, suiteEngine, tar, uniqueImage } from '../../harness/index.ts';

const engine = await suiteEngine();

test('load says what it loaded', async () => {
  const repository = engine.unique('image');
  const tagged = uniqueImage(`${repository}:1`, repository);
  const answer = await engine.expect(200, 'POST', '/images/load?quiet=1', tagged.archive);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.deepEqual(answer.lines<ProgressMessage>(), [{ stream: `Loaded image: ${repository}:1\n` }]);
  const untagged = { ...uniqueImage('', `${repository} untagged`), tags: [] };
  const second = await engine.expect(200, 'POST', '/images/load?quiet=1', imageArchive([untagged]));
  assert.deepEqual(second.lines<ProgressMessage>(), [{ stream: `Loaded image ID: ${untagged.id}\n` }]);
  assert.deepEqual((await engine.inspectImage(untagged.id)).RepoTags, []);
  await engine.expect(200, 'DELETE', `/images/${untagged.id}`);
});

test('load takes a compressed archive, and shows progress unless told to be quiet', async () => {
  const repository = engine.unique('image');
  const image = uniqueImage(`${repository}:1`, repository);
  const answer = await engine.expect(200, 'POST', '/images/load?quiet=0', gzipSync(image.archive));
  const messages = answer.lines<ProgressMessage>();
  assert.ok(messages.some(({ status, id }) => status === 'Loading layer' && id === image.diffIds[0]?.slice(7, 19)));
  assert.deepEqual(messages.at(-1), { stream: `Loaded image: ${repository}:1\n` });
});

/** Archives that are refused: what is wrong, the archive, the text. */
const hostile: readonly (readonly [string, Buffer, RegExp])[] = [
  ['not an archive', Buffer.from('rubbish'), /unexpected EOF|invalid tar header|archive\/tar/i],
  ['no manifest', tar([{ path: 'x', content: 'y' }]), /manifest\.json|repositories/],
  ['a manifest that is not JSON', tar([{ path: 'manifest.json', content: 'x' }]), /invalid character|JSON/],
  [
    'a configuration that is not there',
    tar([{ path: 'manifest.json', content: JSON.stringify([{ Config: 'nope.json', RepoTags: [], Layers: [] }]) }]),
    /nope\.json/,
  ],
  [
    'a path that leaves the archive',
    tar([
      { path: 'manifest.json', content: JSON.stringify([{ Config: '../../../etc/passwd', RepoTags: [], Layers: [] }]) },
    ]),
    /passwd|invalid/,
  ],
];

for (const [name, archive, message] of hostile)
  test(`load refuses ${name}`, async () => {
    const answer = await engine.http('POST', '/images/load?quiet=1', archive);
    const text = answer.status === 200 ? (answer.lines<ProgressMessage>().at(-1)?.error ?? '') : answer.message;
    assert.match(text, message, answer.text);
    await engine.expect(200, 'GET', '/_ping');
  });

test('a layer that does not match its configuration is refused', async () => {
  const unique = engine.unique('image');
  const image = uniqueImage(`${unique}:1`, unique);
  const wrong = imageArchive([{ ...image, layers: [tar([{ path: 'other', content: unique }])] }]);
  const answer = await engine.http('POST', '/images/load?quiet=1', wrong);
  const text = answer.status === 200 ? (answer.lines<ProgressMessage>().at(-1)?.error ?? '') : answer.message;
  assert.match(text, /invalid diffID for layer 0: expected "sha256:[0-9a-f]{64}", got "sha256:[0-9a-f]{64}"/);
  assert.equal((await engine.http('GET', `/images/${unique}:1/json`)).status, 404);
});
