import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type {
  ImageDeleteEntry,
  ImageHistoryEntry,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
} from '../../../src/contract/docker/index.ts';
import { buildImage, digest, imageArchive, readTar, suiteEngine, tar, uniqueImage } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.settings);
await engine.load(engine.images.layered);

/** A name that no other test has, and an image under it. */
async function fresh(tag = 'latest') {
  const repository = engine.unique('image');
  const image = uniqueImage(`${repository}:${tag}`, repository);
  await engine.load(image);
  return { repository, image, name: `${repository}:${tag}` };
}

async function inspect(name: string): Promise<ImageInspect> {
  return (await engine.expect(200, 'GET', `/images/${name}/json`)).json<ImageInspect>();
}

async function list(filters: object, more = ''): Promise<ImageSummary[]> {
  const query = `filters=${encodeURIComponent(JSON.stringify(filters))}${more}`;
  return (await engine.expect(200, 'GET', `/images/json?${query}`)).json<ImageSummary[]>();
}

test('inspect: what was built is what is told', async () => {
  const { settings } = engine.images;
  const image = await inspect('settings');
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
  const { image, name, repository } = await fresh();
  const hex = image.id.replace('sha256:', '');
  for (const reference of [name, repository, `docker.io/library/${repository}`, image.id, hex, hex.slice(0, 12)])
    assert.equal((await inspect(reference)).Id, image.id, reference);
});

test('history, newest first', async () => {
  const history = (await engine.expect(200, 'GET', '/images/layered/history')).json<ImageHistoryEntry[]>();
  assert.deepEqual(
    history.map(({ Id, CreatedBy, Tags, Comment, Created }) => [Id, CreatedBy, Tags, Comment, Created]),
    [
      [engine.images.layered.id, 'layer 2', ['layered:latest'], 'test image', 1_704_067_200],
      ['<missing>', 'layer 1', null, 'test image', 1_704_067_200],
      ['<missing>', 'layer 0', null, 'test image', 1_704_067_200],
    ],
  );
  assert.ok((history[2]?.Size ?? 0) > 1_000_000);
});

test('list and its filters', async () => {
  const { image, name, repository } = await fresh();
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

test('tag: a second name for the same image', async () => {
  const { image, name, repository } = await fresh();
  await engine.expect(201, 'POST', `/images/${name}/tag?repo=${repository}&tag=v2`);
  await engine.expect(201, 'POST', `/images/${image.id}/tag?repo=example.org:5000/team/${repository}`);
  assert.deepEqual((await inspect(name)).RepoTags.toSorted(), [
    `example.org:5000/team/${repository}:latest`,
    name,
    `${repository}:v2`,
  ]);
});

test('a tag that moves leaves the old image without it', async () => {
  const [one, two] = [await fresh(), await fresh()];
  await engine.expect(201, 'POST', `/images/${two.name}/tag?repo=${one.repository}&tag=latest`);
  assert.equal((await inspect(one.name)).Id, two.image.id);
  assert.deepEqual((await inspect(one.image.id)).RepoTags, []);
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

test('remove: the tag, then the image and its layers', async () => {
  const { image, name, repository } = await fresh();
  await engine.expect(201, 'POST', `/images/${name}/tag?repo=${repository}&tag=second`);
  const first = (await engine.expect(200, 'DELETE', `/images/${name}`)).json<ImageDeleteEntry[]>();
  assert.deepEqual(first, [{ Untagged: name }]);
  const last = (await engine.expect(200, 'DELETE', `/images/${repository}:second`)).json<ImageDeleteEntry[]>();
  assert.deepEqual(last, [{ Untagged: `${repository}:second` }, { Deleted: image.id }, { Deleted: image.diffIds[0] }]);
  assert.equal((await engine.http('GET', `/images/${image.id}/json`)).status, 404);
});

test('remove by ID: one name is enough, several need force', async () => {
  const { image, name, repository } = await fresh();
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
  const { image, name } = await fresh();
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

test('load says what it loaded', async () => {
  const repository = engine.unique('image');
  const tagged = uniqueImage(`${repository}:1`, repository);
  const answer = await engine.expect(200, 'POST', '/images/load?quiet=1', tagged.archive);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.deepEqual(answer.lines<ProgressMessage>(), [{ stream: `Loaded image: ${repository}:1\n` }]);
  const untagged = { ...uniqueImage('', `${repository} untagged`), tags: [] };
  const second = await engine.expect(200, 'POST', '/images/load?quiet=1', imageArchive([untagged]));
  assert.deepEqual(second.lines<ProgressMessage>(), [{ stream: `Loaded image ID: ${untagged.id}\n` }]);
  assert.deepEqual((await inspect(untagged.id)).RepoTags, []);
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

test('everything a layer can hold is in the container', async () => {
  const { stdout } = await engine.run({
    Image: 'layered',
    Cmd: `cd /opt; stat -c '%n %F %u:%g %a %Y %h' file hard setuid; stat -c '%n %F %t:%T %a' null loop pipe; readlink soft; cat file hard becomes-file added; find . -name 'nnn*' | wc -c; ls opaque; ls -d gone tree 2>&1 | grep -c 'No such'; find / -xdev -name '.wh*' | wc -l`,
  });
  assert.deepEqual(stdout.trim().split('\n'), [
    'file regular file 1000:2000 640 1000000000 2',
    'hard regular file 1000:2000 640 1000000000 2',
    'setuid regular file 0:0 4755 1704067200 1',
    'null character special file 1:3 666',
    'loop block special file 7:0 660',
    'pipe fifo 0:0 644',
    'file',
    'lowerlowernow a fileupper324',
    'seen',
    '2',
    '0',
  ]);
});

test('extended attributes, a file capability among them, are in the layer', async () => {
  const { GraphDriver } = await inspect('layered');
  const directory = String(GraphDriver.Data.LowerDir).split(':')[0];
  const { stdout } = await engine.inNetwork(
    'python3',
    '-c',
    `import os; p='${engine.path(String(directory))}/opt/'; print(os.getxattr(p+'capable', 'security.capability').hex(), os.getxattr(p+'attributed', 'user.note').decode())`,
  );
  assert.match(stdout, /^0100000200200000000000000000000000000000 kept\n$/);
});

test('import makes an image of a file system', async () => {
  const repository = engine.unique('imported');
  const archive = tar([{ path: 'hello', content: 'imported' }]);
  const changes = [`CMD ["/bin/x"]`, 'ENV A=b', 'EXPOSE 80/tcp']
    .map((change) => `&changes=${encodeURIComponent(change)}`)
    .join('');
  const answer = await engine.expect(
    200,
    'POST',
    `/images/create?fromSrc=-&repo=${repository}&tag=v1&message=note${changes}`,
    archive,
  );
  const id = answer.lines<ProgressMessage>().at(-1)?.status;
  const image = await inspect(`${repository}:v1`);
  assert.equal(image.Id, id);
  assert.deepEqual(image.RootFS.Layers, [digest(archive)]);
  assert.deepEqual(
    [image.Config?.Cmd, image.Config?.Env?.includes('A=b'), image.Config?.ExposedPorts, image.Comment],
    [['/bin/x'], true, { '80/tcp': {} }, 'note'],
  );
  await engine.expect(200, 'DELETE', `/images/${repository}:v1`);
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

/** Layers that try to write outside the container's root; none may succeed, whether the load is refused or not. */
const escapes: readonly (readonly [string, Parameters<typeof tar>[0]])[] = [
  ['dots in a path', [{ path: '../../../../../../../../tmp/escaped-NAME', content: 'x' }]],
  ['an absolute path', [{ path: '/tmp/escaped-NAME', content: 'x' }]],
  [
    'a symlink to the root',
    [
      { path: 'link', type: 'symlink', target: '/../../../../../..' },
      { path: 'link/tmp/escaped-NAME', content: 'x' },
    ],
  ],
  ['a hard link to the outside', [{ path: 'hard', type: 'hardlink', target: '../../../../../../../../etc/hostname' }]],
  [
    'a whiteout of the outside',
    [
      { path: 'away', type: 'symlink', target: '/tmp' },
      { path: 'away/.wh.keep-NAME', content: '' },
    ],
  ],
];

for (const [name, entries] of escapes)
  test(`a layer with ${name} touches nothing outside`, async () => {
    const unique = engine.unique('escape');
    const renamed = entries.map((entry) => ({ ...entry, path: entry.path.replace('NAME', unique) }));
    await engine.inNetwork('sh', '-c', `echo kept > ${engine.path(`/tmp/keep-${unique}`)}`);
    const image = buildImage({ tags: [`${unique}:1`], layers: [tar(renamed)] });
    await engine.http('POST', '/images/load?quiet=1', image.archive);
    const { stdout } = await engine.inNetwork('sh', '-c', `ls ${engine.path('/tmp')} | grep ${unique}`);
    assert.equal(stdout, `keep-${unique}\n`);
    await engine.inNetwork('rm', engine.path(`/tmp/keep-${unique}`));
    await engine.http('DELETE', `/images/${unique}:1`);
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
