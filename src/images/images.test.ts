import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestHex } from '../base/index.ts';
import { TAR_END, tarFile } from './archive/tar-writer.ts';
import { inventory, littleArchive, load, openTestImages } from './images.fixture.ts';
import { targetReference } from './tag.ts';

const NOBODY = { usersOf: () => [] };

const target = (repository: string, tag = '') => {
  const reference = targetReference(repository, tag);
  assert.ok(reference);
  return reference;
};

test('an archive is loaded, compressed or not, and found again after a restart', async () => {
  await using setup = await openTestImages();
  const { images } = setup;
  const archive = littleArchive(
    { tag: 'a:1', layers: ['one'] },
    { tag: 'b', layers: ['one', 'two'], labels: { x: 'y' } },
  );
  const expected = [{ stream: 'Loaded image: a:1\n' }, { stream: 'Loaded image: b:latest\n' }];
  assert.deepEqual(await load(images, archive), expected);
  assert.deepEqual(await load(images, gzipSync(archive)), expected);
  assert.deepEqual(await load(images, zstdCompressSync(archive)), expected);
  const b = images.resolve('b');
  assert.equal(images.resolve(b.id.slice(7, 19)).id, b.id);
  assert.equal(images.resolve('docker.io/library/b:latest').id, b.id);
  const next = await setup.reopen();
  assert.deepEqual(next.images.inspect('b'), images.inspect('b'));
  assert.equal((await inventory(setup.root)).layers.length, 2);
  assert.deepEqual((await inventory(setup.root)).temporary, []);
  assert.deepEqual(
    setup.events.slice(0, 2).map(({ action, attributes }) => [action, attributes.x]),
    [
      ['load', undefined],
      ['load', 'y'],
    ],
  );
});

test('what is saved can be loaded again, bit by bit the same', async () => {
  await using setup = await openTestImages();
  const { images } = setup;
  await load(images, littleArchive({ tag: 'a:1', layers: ['one', 'x'.repeat(100_000)] }));
  await images.tag('a:1', target('a', '2'));
  const before = images.inspect('a:1');
  const saved = await buffer(images.save(['a']));
  assert.deepEqual(await buffer(images.save(['a'])), saved);
  await images.remove('a:1', NOBODY);
  await images.remove('a:2', NOBODY);
  assert.deepEqual((await inventory(setup.root)).layers, []);
  assert.deepEqual(await load(images, saved), [{ stream: 'Loaded image: a:1\n' }, { stream: 'Loaded image: a:2\n' }]);
  assert.deepEqual(images.inspect('a:1').RootFS, before.RootFS);
  assert.equal(images.inspect('a:1').Id, before.Id);
  assert.throws(() => images.save(['none']), { kind: 'notFound', message: 'No such image: none' });
});

test('an OCI layout without a docker manifest is loaded', async () => {
  await using setup = await openTestImages();
  await load(setup.images, littleArchive({ tag: 'a:1', layers: ['one'] }));
  const id = setup.images.resolve('a:1').id;
  const saved = await buffer(setup.images.save(['a:1']));
  const entries: Buffer[] = [];
  for (let offset = 0; saved[offset] !== 0; ) {
    const name = saved.toString('latin1', offset, offset + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(saved.toString('latin1', offset + 124, offset + 136), 8);
    const end = offset + 512 + Math.ceil(size / 512) * 512;
    if (name !== 'manifest.json') entries.push(saved.subarray(offset, end));
    offset = end;
  }
  await using other = await openTestImages();
  assert.deepEqual(await load(other.images, Buffer.concat([...entries, TAR_END])), [{ stream: 'Loaded image: a:1\n' }]);
  assert.equal(other.images.resolve('a:1').id, id);
});

test('broken and hostile archives are refused and leave nothing', async () => {
  await using setup = await openTestImages();
  const whole = littleArchive({ tag: 'a:1', layers: ['one', 'two'] });
  const archiveOf = (files: Record<string, string | Buffer>) =>
    Buffer.concat([
      ...Object.entries(files).map(([path, content]) => tarFile({ path, mode: 0o644 }, content)),
      TAR_END,
    ]);
  const manifest = (config: string, layers: string[], tags = ['a:b']) =>
    JSON.stringify([{ Config: config, RepoTags: tags, Layers: layers }]);
  const rootfs = JSON.stringify({ rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`] } });
  const cases: [archive: Buffer, message: RegExp][] = [
    [Buffer.from('hello'), /./],
    [Buffer.alloc(0), /./],
    [whole.subarray(0, 2000), /./],
    [gzipSync(whole).subarray(0, 200), /./],
    [archiveOf({}), /^open .*\/repositories: no such file or directory$/],
    [archiveOf({ 'manifest.json': manifest('x.json', []) }), /^open .*\/x\.json: no such file or directory$/],
    [archiveOf({ 'manifest.json': '{' }), /^unexpected EOF$/],
    [archiveOf({ 'manifest.json': manifest('x.json', []), 'x.json': '{}' }), /^invalid image JSON, no RootFS key$/],
    [
      archiveOf({ 'manifest.json': manifest('x.json', ['l', 'l']), 'x.json': rootfs }),
      /^invalid manifest, layers length mismatch: expected 2, got 1$/,
    ],
    [
      archiveOf({ 'manifest.json': manifest('x.json', ['l']), 'x.json': rootfs }),
      /^open .*\/l: no such file or directory$/,
    ],
    [
      archiveOf({ 'manifest.json': manifest('x.json', ['l']), 'x.json': rootfs, l: archiveOf({ f: 'x' }) }),
      /^invalid diffID for layer/,
    ],
    [archiveOf({ 'manifest.json': manifest('../../etc/passwd', []) }), /no such file or directory$/],
    [
      archiveOf({ 'manifest.json': manifest('x.json', [], ['A:b']), 'x.json': rootfs }),
      /repository name \(library\/A\) must be lowercase$/,
    ],
  ];
  for (const [archive, message] of cases) await assert.rejects(load(setup.images, archive), { message });
  const left = await inventory(setup.root);
  assert.deepEqual(left, { images: [], metadata: [], layers: [], directories: [], temporary: [] });
});

test('names move, and removal follows dockerd’s rules', async () => {
  await using setup = await openTestImages();
  const { images } = setup;
  await load(images, littleArchive({ tag: 'a:1', layers: ['one'] }));
  const { id } = images.resolve('a:1');
  await images.tag('a:1', target('b', 'x'));
  await images.tag('a:1', target('b', 'y'));
  const short = digestHex(id).slice(0, 12);
  const stopped = { usersOf: () => [{ id: 'c'.repeat(64), running: false }] };
  const running = { usersOf: () => [{ id: 'c'.repeat(64), running: true }] };
  await assert.rejects(images.remove(short, NOBODY), {
    kind: 'conflict',
    message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
  });
  assert.deepEqual(await images.remove('b:y', running), [{ Untagged: 'b:y' }]);
  assert.deepEqual(await images.remove('b:x', running), [{ Untagged: 'b:x' }]);
  await assert.rejects(images.remove('a:1', stopped), {
    message: `conflict: unable to remove repository reference "a:1" (must force) - container ${'c'.repeat(12)} is using its referenced image ${short}`,
  });
  await assert.rejects(images.remove(id, stopped), {
    message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${'c'.repeat(12)}`,
  });
  await assert.rejects(images.remove(id, { ...running, force: true }), {
    message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${'c'.repeat(12)}`,
  });
  assert.deepEqual(await images.remove('a:1', { ...running, force: true }), [{ Untagged: 'a:1' }]);
  assert.equal(images.list({ ...NOBODY, filters: { dangling: ['true'] } }).length, 1);
  const [layer] = (await inventory(setup.root)).layers;
  assert.deepEqual(await images.remove(short, NOBODY), [{ Deleted: id }, { Deleted: `sha256:${layer}` }]);
  await assert.rejects(images.remove('a', NOBODY), { kind: 'notFound', message: 'No such image: a:latest' });
  await assert.rejects(images.remove('A', NOBODY), { kind: 'invalidParameter' });
  assert.deepEqual(
    setup.events.map(({ action }) => action),
    ['load', 'tag', 'tag', 'untag', 'untag', 'untag', 'delete'],
  );
});

test('a name that another image takes leaves that image without it', async () => {
  await using setup = await openTestImages();
  await load(setup.images, littleArchive({ tag: 'a:1', layers: ['one'] }));
  const { id } = setup.images.resolve('a:1');
  const messages = await load(setup.images, littleArchive({ tag: 'a:1', layers: ['two'] }));
  assert.deepEqual(messages, [
    { stream: `The image a:1 already exists, renaming the old one with ID ${id} to empty string\n` },
    { stream: 'Loaded image: a:1\n' },
  ]);
  assert.deepEqual(setup.images.inspect(id).RepoTags, []);
});

test('an import becomes an image with the changes asked for', async () => {
  await using setup = await openTestImages();
  const { images } = setup;
  const body = () => Readable.from([Buffer.concat([tarFile({ path: 'f', mode: 0o644 }, 'x'), TAR_END])]);
  const id = await images.import({
    body: body(),
    reference: target('imp', '1'),
    message: 'hi',
    changes: ['CMD ["a"]', 'ENV a=b c="d e"', 'EXPOSE 80 53/udp', 'WORKDIR /x', 'WORKDIR y', 'LABEL k=v'],
  });
  const { Config, Comment } = images.inspect('imp:1');
  assert.equal(images.inspect('imp:1').Id, id);
  assert.equal(Comment, 'hi');
  assert.deepEqual(Config?.Cmd, ['a']);
  assert.deepEqual(Config?.Env, ['a=b', 'c=d e']);
  assert.deepEqual(Config?.ExposedPorts, { '80/tcp': {}, '53/udp': {} });
  assert.equal(Config?.WorkingDir, '/x/y');
  assert.deepEqual(
    setup.events.map(({ action }) => action),
    ['tag', 'import'],
  );
  await assert.rejects(images.import({ body: body(), changes: ['RUN x'] }), {
    kind: 'invalidParameter',
    message: 'RUN is not a valid change command',
  });
  await assert.rejects(images.import({ body: Readable.from([Buffer.from('hello')]) }));
  assert.deepEqual((await inventory(setup.root)).temporary, []);
});

test('lists, filters and history', async () => {
  await using setup = await openTestImages();
  const { images } = setup;
  await load(
    images,
    littleArchive({ tag: 'a:1', layers: ['one'] }, { tag: 'foo/bar:x', layers: ['one', 'two'], labels: { k: 'v' } }),
  );
  await images.tag('a:1', target('a', '2'));
  const names = (filters: Record<string, string[]>) =>
    images
      .list({ ...NOBODY, filters })
      .flatMap(({ RepoTags }) => RepoTags)
      .toSorted();
  assert.deepEqual(names({}), ['a:1', 'a:2', 'foo/bar:x']);
  assert.deepEqual(names({ reference: ['a'] }), ['a:1', 'a:2']);
  assert.deepEqual(names({ reference: ['a:2', 'foo/*'] }), ['a:2', 'foo/bar:x']);
  assert.deepEqual(names({ reference: ['*:x'] }), []);
  assert.deepEqual(names({ label: ['k=v'] }), ['foo/bar:x']);
  assert.deepEqual(names({ until: ['2020-01-01'] }), []);
  assert.throws(() => names({ foo: ['x'] }), { kind: 'invalidParameter', message: "invalid filter 'foo'" });
  assert.throws(() => names({ reference: ['['] }), { message: 'syntax error in pattern' });
  assert.throws(() => names({ before: ['nope'] }), { kind: 'notFound', message: 'No such image: nope:latest' });
  const history = images.history('foo/bar:x');
  assert.deepEqual(
    history.map(({ Id, CreatedBy, Size, Tags }) => [Id, CreatedBy, Size, Tags]),
    [
      [images.resolve('foo/bar:x').id, 'two', 3, ['foo/bar:x']],
      ['<missing>', 'one', 3, null],
    ],
  );
});

test('what a crash left is cleaned up at the next start', async () => {
  await using setup = await openTestImages();
  await load(setup.images, littleArchive({ tag: 'a:1', layers: ['one'] }, { tag: 'b:1', layers: ['one', 'two'] }));
  const repositories = join(setup.root, 'image/overlay2/repositories.json');
  const file = JSON.parse(await readFile(repositories, 'utf8'));
  file.Repositories.c = { 'c:1': `sha256:${'1'.repeat(64)}` };
  await writeFile(repositories, JSON.stringify(file));
  await writeFile(join(setup.root, 'tmp/gantry-image-left'), 'x');
  const b = setup.images.resolve('b:1');
  await writeFile(join(setup.root, 'image/overlay2/imagedb/content/sha256', digestHex(b.id)), 'broken');
  const { images } = await setup.reopen();
  assert.deepEqual(JSON.parse(await readFile(repositories, 'utf8')).Repositories, {
    a: { 'a:1': images.resolve('a:1').id },
  });
  assert.equal(images.find('b:1'), undefined);
  assert.equal(images.find('c:1'), undefined);
  const left = await inventory(setup.root);
  assert.deepEqual([left.layers.length, left.temporary.length], [1, 0]);
});

test('names survive many changes at once', async () => {
  await using setup = await openTestImages();
  const { images } = setup;
  await load(images, littleArchive({ tag: 'a:0', layers: ['one'] }));
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  await Promise.all([
    ...numbers.map((number) => images.tag('a:0', target('b', String(number)))),
    ...numbers
      .slice(0, 5)
      .map((number) => load(images, littleArchive({ tag: `c:${number}`, layers: ['one', `${number}`] }))),
  ]);
  await Promise.all(numbers.slice(0, 10).map((number) => images.remove(`b:${number}`, NOBODY)));
  const { images: next } = await setup.reopen();
  const tags = next.list(NOBODY).flatMap(({ RepoTags }) => RepoTags);
  assert.equal(tags.length, 1 + 10 + 5);
});
