import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { ProgressMessage } from '../../src/contract/docker/index.ts';
import {
  type Answer,
  type BuiltImage,
  buildImage,
  busyboxLayer,
  digest,
  imageArchive,
  type PackedImage,
  packImage,
  type ScriptedAnswer,
  startEngine,
  startScriptedRegistry,
  type TarEntry,
  type TestEngine,
  tar,
} from '../harness/index.ts';

let engine: TestEngine;
/** A folder of the host that images try to reach, and what it has in it. */
let canary: string;
const CANARY_ACCOUNTS = 'canary:x:4711:4711::/:/bin/sh\n';

before(async () => {
  engine = await startEngine();
  canary = join(engine.directory, 'canary');
  mkdirSync(canary);
  writeFileSync(join(canary, 'file'), CANARY_ACCOUNTS);
  chmodSync(join(canary, 'file'), 0o600);
  await engine.load(engine.images.busybox);
  await engine.takeBaseline();
});
after(() => engine[Symbol.asyncDispose]());

afterEach(async () => {
  await removeAll();
  assert.deepEqual(readdirSync(canary), ['file']);
  const file = join(canary, 'file');
  assert.equal(readFileSync(file, 'utf8'), CANARY_ACCOUNTS);
  const { mode, uid, gid, nlink } = statSync(file);
  assert.deepEqual([mode & 0o7777, uid, gid, nlink], [0o600, 0, 0, 1]);
  await engine.expect(200, 'GET', '/_ping');
  await nothingLeft();
});

/** What a client that has just gone away wanted may take a moment to be gone too. Milliseconds. */
const CLEAN_UP_TIME = 5_000;
const RETRY_INTERVAL = 50;

async function nothingLeft(): Promise<void> {
  for (const deadline = Date.now() + CLEAN_UP_TIME; ; await delay(RETRY_INTERVAL)) {
    const found = await engine.leftovers();
    if (found.length === 0) return;
    if (Date.now() > deadline) assert.fail(`left behind:\n${found.join('\n')}`);
  }
}

/** The error an answer ends with; for one that had begun, of its last message. */
function errorOf(answer: Answer): string {
  if (answer.status !== 200) return answer.message;
  return answer.lines<ProgressMessage>().at(-1)?.error ?? '';
}

async function load(archive: Buffer): Promise<string> {
  return errorOf(await engine.http('POST', '/images/load?quiet=1', archive));
}

/** An image whose second layer has these entries, on top of busybox. */
function imageWith(entries: readonly TarEntry[], settings: Parameters<typeof buildImage>[0]['settings'] = {}) {
  return buildImage({ tags: ['hostile:latest'], layers: [busyboxLayer(), tar(entries)], settings });
}

/** A layer of busybox's image with something else in front: nothing of it may become a layer. */
const HARMLESS: TarEntry = { path: 'harmless', content: 'x' };

/** Layers that are refused: the entry, and the text. */
const refusedEntries: Readonly<Record<string, readonly [TarEntry, RegExp]>> = {
  'a name that climbs out': [
    { path: '../../canary/new', content: 'x' },
    /invalid entry name "\.\.\/\.\.\/canary\/new"/,
  ],
  'a name that climbs out half-way': [{ path: 'a/../../b', content: 'x' }, /invalid entry name "a\/\.\.\/\.\.\/b"/],
  'a hard link that climbs out': [
    { path: 'link', type: 'hardlink', target: '../../../canary/file' },
    /invalid hardlink target "\.\.\/\.\.\/\.\.\/canary\/file"/,
  ],
  'a hard link to nothing': [{ path: 'link', type: 'hardlink', target: '/none' }, /link .*no such file or directory/],
  'a name with a file as its folder': [{ path: 'harmless/below', content: 'x' }, /harmless.*not a directory/],
  'a file that claims eight gigabytes': [{ path: 'big', content: 'x', claimedSize: 0o77777777777 }, /unexpected EOF/],
  'a name of 300 bytes': [{ path: 'n'.repeat(300), content: 'x' }, /name too long/],
};

for (const [name, [entry, text]] of Object.entries(refusedEntries))
  test(`load refuses ${name}`, async () => {
    assert.match(await load(imageWith([HARMLESS, entry]).archive), text);
  });

/** Archives of images that are refused. */
function refusedArchives(): Record<string, readonly [Buffer, RegExp]> {
  const image = imageWith([HARMLESS]);
  const withConfig = (change: (config: { rootfs: { diff_ids: string[] } }) => void) => {
    const config = JSON.parse(image.config.toString());
    change(config);
    const text = Buffer.from(JSON.stringify(config));
    return imageArchive([{ ...image, config: text, id: digest(text) }]);
  };
  return {
    'a layer that is not the one promised': [
      imageArchive([{ ...image, layers: [busyboxLayer(), tar([{ path: 'other' }])] }]),
      /invalid diffID for layer 1: expected "sha256:[0-9a-f]{64}", got "sha256:[0-9a-f]{64}"/,
    ],
    'a layer whose gzip ends too early': [
      imageArchive([{ ...image, layers: [busyboxLayer(), gzipSync(image.layers[1] ?? '').subarray(0, -9)] }]),
      /unexpected EOF/,
    ],
    'a compressed archive that ends too early': [gzipSync(image.archive).subarray(0, -200), /unexpected EOF/],
    'an archive that ends too early': [image.archive.subarray(0, image.archive.length >> 1), /unexpected EOF/],
    'a digest that is a path': [
      withConfig(({ rootfs }) => void rootfs.diff_ids.splice(1, 1, 'sha256:../../../../canary/file')),
      /invalid (checksum digest|digest|reference)/,
    ],
    'more layers than the configuration has': [
      withConfig(({ rootfs }) => void rootfs.diff_ids.pop()),
      /invalid manifest, layers length mismatch: expected 2, got 1/,
    ],
    'a name that is a path': [imageArchive([{ ...image, tags: ['../../canary:1'] }]), /invalid reference format/],
    'a manifest of nine megabytes': [
      tar([{ path: 'manifest.json', content: `[${' '.repeat(9 << 20)}]` }]),
      /manifest\.json is larger than \d+ bytes/,
    ],
    'a manifest nested without end': [
      tar([{ path: 'manifest.json', content: '['.repeat(1 << 20) }]),
      /unexpected EOF|exceeded max depth|unmarshal/,
    ],
    'documents that are symlinks to the host': [
      tar([
        { path: 'c.json', type: 'symlink', target: join(canary, 'file') },
        { path: 'manifest.json', content: JSON.stringify([{ Config: 'c.json', RepoTags: [], Layers: [] }]) },
      ]),
      /c\.json: no such file or directory/,
    ],
    'symlinks in a circle': [
      tar([
        { path: 'manifest.json', type: 'symlink', target: 'b' },
        { path: 'b', type: 'symlink', target: 'manifest.json' },
      ]),
      /no such file or directory|too many levels/,
    ],
  };
}

test('load refuses images that are not what they say', async (context) => {
  for (const [name, [archive, text]] of Object.entries(refusedArchives()))
    await context.test(name, async () => {
      assert.match(await load(archive), text);
    });
});

test('absolute names and links through symlinks stay inside the layer', async () => {
  const image = imageWith([
    { path: `${canary}/absolute`, content: 'inside' },
    { path: 'jump', type: 'symlink', target: canary },
    { path: 'jump/through', content: 'inside' },
    { path: 'climb', type: 'symlink', target: '../../../../../../../../..' },
    { path: `climb${canary}/climbed`, content: 'inside' },
    { path: 'hard', type: 'hardlink', target: `${canary}/absolute` },
    { path: 'whited', type: 'symlink', target: canary },
    { path: 'whited/.wh.file' },
    { path: 'opaque', type: 'symlink', target: canary },
    { path: 'opaque/.wh..wh..opq' },
  ]);
  assert.equal(await load(image.archive), '');
  const { stdout } = await engine.run({
    Image: 'hostile',
    Cmd: `cd ${canary} && cat absolute through climbed /hard && ls`,
    HostConfig: { AutoRemove: false },
  });
  assert.equal(stdout, 'inside'.repeat(4) + 'absolute\nclimbed\nthrough\n');
});

/** Removes every container, and the image that tests make. */
async function removeAll(): Promise<void> {
  const containers = (await engine.expect(200, 'GET', '/containers/json?all=1')).json<{ Id: string }[]>();
  await engine.remove(...containers.map(({ Id }) => Id));
  await engine.http('DELETE', '/images/hostile:latest?force=1');
}

/** Images whose links lie where the engine and the runtime write or read when a container starts. */
const links: Readonly<Record<string, TarEntry[]>> = {
  'files that the engine mounts': ['hosts', 'hostname', 'resolv.conf', 'mtab'].map((name) => ({
    path: `etc/${name}`,
    type: 'symlink',
    target: `PATH/file`,
  })),
  '/dev': [{ path: 'dev', type: 'symlink', target: 'PATH' }],
  '/proc': [{ path: 'proc', type: 'symlink', target: 'PATH' }],
  '/sys': [{ path: 'sys', type: 'symlink', target: 'PATH' }],
  '/etc': [{ path: 'etc', type: 'symlink', target: 'PATH' }],
  'the working directory': [{ path: 'work', type: 'symlink', target: 'PATH' }],
};

for (const [name, entries] of Object.entries(links))
  test(`a start does not follow ${name} out of the container`, async () => {
    const placed = entries.map((entry) => ({ ...entry, target: entry.target?.replace('PATH', canary) ?? '' }));
    const whiteouts = placed.map(({ path }) => ({ path: path.replace(/[^/]*$/, '.wh.$&') }));
    const image = buildImage({
      tags: ['hostile:latest'],
      layers: [busyboxLayer(), tar(whiteouts), tar(placed)],
      settings: { WorkingDir: '/work/deep', Volumes: { '/work/volume': {} } },
    });
    assert.equal(await load(image.archive), '');
    const created = await engine.http('POST', '/containers/create', {
      Image: 'hostile',
      Cmd: ['sh', '-c', 'echo >> /etc/hosts; touch /work/mine; echo ran'],
      HostConfig: { NetworkMode: 'bridge', Binds: ['/etc/hostname:/work/bound'] },
    });
    if (created.status === 201) {
      const { Id } = created.json<{ Id: string }>();
      const started = await engine.http('POST', `/containers/${Id}/start`);
      if (started.status === 204) assert.equal(await engine.wait(Id), 0);
      else assert.match(started.message, /^failed to create task for container: /);
    }
  });

test('accounts are the container’s own, however its files are linked', async () => {
  const link = (path: string): TarEntry => ({ path, type: 'symlink', target: join(canary, 'file') });
  const image = buildImage({
    tags: ['hostile:latest'],
    layers: [busyboxLayer(), tar([link('etc/passwd'), link('etc/group')])],
  });
  assert.equal(await load(image.archive), '');
  const named = await engine.create({ Image: 'hostile', User: 'canary', Cmd: 'true' });
  const answer = await engine.http('POST', `/containers/${named}/start`);
  assert.equal(answer.status, 500);
  assert.match(answer.message, /unable to find user canary: no matching entries in passwd file/);
  const running = await engine.start({ Image: 'hostile' });
  const body = { Cmd: ['id'], User: 'canary', AttachStdout: true };
  const refused = await engine.expect(400, 'POST', `/containers/${running}/exec`, body);
  assert.equal(refused.message, 'unable to find user canary: no matching entries in passwd file');
});

for (const type of ['fifo', 'character', 'directory'] as const)
  test(`a passwd file that is a ${type} does not hold up a start`, async () => {
    const ZERO_DEVICE = { major: 1, minor: 5 };
    assert.equal(await load(imageWith([{ path: 'etc/passwd', type, ...ZERO_DEVICE }]).archive), '');
    const id = await engine.create({ Image: 'hostile', Cmd: 'true' });
    const answer = await engine.http('POST', `/containers/${id}/start`);
    if (type === 'directory') assert.equal(answer.status, 204);
    else assert.deepEqual([answer.status, answer.message], [500, 'read /etc/passwd: EINVAL']);
  });

type Table = Record<string, ScriptedAnswer>;

/** The answers of a registry that has the image as `lie:latest`; what its manifest says can be changed. */
function registryOf(image: BuiltImage, change: (manifest: string) => string = (text) => text) {
  const packed = packImage(image);
  const manifest = Buffer.from(change(packed.manifest.toString()));
  const table: Table = {
    '/v2/lie/manifests/latest': manifestAnswer(packed, manifest),
    [`/v2/lie/manifests/${digest(manifest)}`]: manifestAnswer(packed, manifest),
  };
  for (const blob of packed.blobs) table[blobPath(blob)] = { body: blob.toString('base64') };
  return { packed, table };
}

function manifestAnswer({ mediaType }: PackedImage, manifest: Buffer): ScriptedAnswer {
  const headers = { 'Content-Type': mediaType, 'Docker-Content-Digest': digest(manifest) };
  return { body: manifest.toString('base64'), headers };
}

const blobPath = (blob: Buffer) => `/v2/lie/blobs/${digest(blob)}`;

/** Pulls from such a registry; resolves to the error. */
async function pull(table: Table, reference = 'tag=latest'): Promise<string> {
  await using registry = await startScriptedRegistry(engine, table);
  const error = errorOf(await engine.http('POST', `/images/create?fromImage=${registry.address}/lie&${reference}`));
  return error;
}

const small = () => buildImage({ tags: [], layers: [tar([HARMLESS]), tar([{ path: 'two', content: 'two' }])] });

test('pull refuses what is not what it says', async (context) => {
  const { packed, table } = registryOf(small());
  const [config = Buffer.alloc(0), first = Buffer.alloc(0)] = packed.blobs;
  const size = `"size":${first.length}`;
  const changed = (text: string, by: string) => registryOf(small(), (manifest) => manifest.replace(text, by)).table;
  const swapped = (blob: Buffer, body: Buffer | string, more: Partial<ScriptedAnswer> = {}): Table => ({
    ...table,
    [blobPath(blob)]: { body: Buffer.from(body).toString('base64'), ...more },
  });
  const other = digest('other');
  const cases: Record<string, readonly [Table, RegExp, string?]> = {
    'a layer with another digest': [
      swapped(first, Buffer.alloc(first.length)),
      /filesystem layer verification failed for digest sha256:/,
    ],
    'a layer that is longer than promised': [
      swapped(first, Buffer.concat([first, Buffer.alloc(1 << 20)])),
      /filesystem layer verification failed for digest sha256:/,
    ],
    'a layer that is shorter than promised': [
      swapped(first, first.subarray(5)),
      /filesystem layer verification failed for digest sha256:/,
    ],
    'a size that is too small': [changed(size, '"size":3'), /filesystem layer verification failed|unexpected/],
    'a size of exabytes': [changed(size, '"size":9007199254740993'), /verification failed|invalid|size|manifest/],
    'a size below zero': [changed(size, '"size":-1'), /verification failed|invalid|size|manifest/],
    'a layer digest that is a path': [
      changed(digest(first), 'sha256:../../../../../../etc/passwd'),
      /invalid checksum digest (format|length)/,
    ],
    'a configuration digest that is a path': [
      changed(digest(config), '../../../../../../etc/passwd'),
      /invalid checksum digest (format|length)/,
    ],
    'another configuration': [
      swapped(config, config.toString().replace('amd64', 'arm64')),
      /image config verification failed for digest sha256:/,
    ],
    'a configuration without end': [
      swapped(config, Buffer.alloc(20 << 20, ' ')),
      /image config verification failed|larger|too large|exceeds/,
    ],
    'a manifest without end': [
      { '/v2/lie/manifests/latest': manifestAnswer(packed, Buffer.alloc(9 << 20, ' ')) },
      /larger|too large|exceeds|maximum/,
    ],
    'another manifest than asked for': [
      { [`/v2/lie/manifests/${other}`]: manifestAnswer(packed, packed.manifest) },
      /manifest verification failed for digest sha256:/,
      `tag=${encodeURIComponent(other)}`,
    ],
    'a manifest that is no JSON': [
      { '/v2/lie/manifests/latest': manifestAnswer(packed, Buffer.from('{"schemaVersion":2,')) },
      /unexpected (end of JSON input|EOF)|missing/,
    ],
    'a manifest that is cut off': [
      { '/v2/lie/manifests/latest': { ...manifestAnswer(packed, packed.manifest), cutAfter: 10 } },
      /unexpected EOF/,
    ],
    'a page instead of a registry': [
      {
        '/v2/lie/manifests/latest': {
          body: Buffer.from('<html>').toString('base64'),
          headers: { 'Content-Type': 'text/html' },
        },
      },
      /mediaType|media type|unsupported|invalid character/,
    ],
  };
  for (const [name, [answers, text, reference]] of Object.entries(cases))
    await context.test(name, async () => {
      assert.match(await pull(answers, reference), text);
    });
});

test('a layer that climbs out is refused in a pull too', async () => {
  const image = buildImage({ tags: [], layers: [tar([HARMLESS, { path: '../../canary/new', content: 'x' }])] });
  assert.match(await pull(registryOf(image).table), /failed to register layer: invalid entry name/);
});

test('a registry that stalls, wherever: the pull ends with its client', async (context) => {
  const { packed, table } = registryOf(small());
  const [config = Buffer.alloc(0), first = Buffer.alloc(0)] = packed.blobs;
  const places = ['/v2/', '/v2/lie/manifests/latest', blobPath(config), blobPath(first)];
  for (const place of places)
    await context.test(place.replace(/sha256.*/, '…'), async () => {
      const before = sockets();
      await using registry = await startScriptedRegistry(engine, {
        ...table,
        [place]: { ...table[place], stallAfter: 0 },
      });
      const leaving = new AbortController();
      const path = `/images/create?fromImage=${registry.address}/lie&tag=latest`;
      const pulling = engine.http('POST', path, undefined, { signal: leaving.signal });
      await untilConnected(Number(registry.address.split(':')[1]));
      leaving.abort();
      await assert.rejects(pulling);
      await nothingLeft();
      for (const deadline = Date.now() + CLEAN_UP_TIME; sockets() > before; await delay(RETRY_INTERVAL))
        assert.ok(Date.now() < deadline, 'the engine keeps its connection to the registry');
    });
});

test('a layer that breaks off is fetched again, until the client goes', async () => {
  const { packed, table } = registryOf(small());
  const first = packed.blobs[1] ?? Buffer.alloc(0);
  await using registry = await startScriptedRegistry(engine, {
    ...table,
    [blobPath(first)]: { body: first.toString('base64'), cutAfter: 10 },
  });
  const pulling = await engine.stream('POST', `/images/create?fromImage=${registry.address}/lie&tag=latest`);
  await pulling.received.contains('Retrying in ');
  pulling.close();
  await nothingLeft();
});

/** How many sockets the engine has open. */
function sockets(): number {
  return engine.descriptors().filter((target) => target.startsWith('socket:')).length;
}

/** Waits until somebody is connected to the port in the engine's network namespace (proc(5): /proc/net/tcp). */
async function untilConnected(port: number): Promise<void> {
  const ESTABLISHED = '01';
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')} ${ESTABLISHED}`;
  while (!readFileSync(`/proc/${engine.pid}/net/tcp`, 'utf8').includes(remote)) await delay(RETRY_INTERVAL);
}
