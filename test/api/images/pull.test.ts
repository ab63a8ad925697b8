import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ImageInspect, ProgressMessage } from '../../../src/contract/docker/index.ts';
import {
  type BuiltImage,
  buildImage,
  digest,
  packImage,
  packList,
  type Registry,
  startRegistry,
  startScriptedRegistry,
  suiteEngine,
  tar,
  uniqueImage,
} from '../../harness/index.ts';

const engine = await suiteEngine();
let registry: Registry;
before(async () => {
  registry = await startRegistry(engine);
});
after(() => registry[Symbol.asyncDispose]());

/** An image that the engine does not have: two layers, one of them larger than a progress step. */
function image(): BuiltImage {
  const marker = engine.unique('content');
  return buildImage({
    tags: [],
    layers: [tar([{ path: 'marker', content: marker }]), tar([{ path: 'more', content: marker.repeat(20_000) }])],
    settings: { Cmd: ['/none'], Labels: { marker } },
  });
}

async function pull(name: string, tag?: string): Promise<ProgressMessage[]> {
  const query = `fromImage=${encodeURIComponent(name)}${tag === undefined ? '' : `&tag=${encodeURIComponent(tag)}`}`;
  return (await engine.expect(200, 'POST', `/images/create?${query}`)).lines<ProgressMessage>();
}

async function inspect(name: string): Promise<ImageInspect> {
  return (await engine.expect(200, 'GET', `/images/${name}/json`)).json<ImageInspect>();
}

for (const format of ['docker', 'oci'] as const)
  for (const compression of ['gzip', 'zstd', 'none'] as const)
    if (format === 'oci' || compression !== 'zstd')
      test(`${format} image with ${compression} layers`, async () => {
        const built = image();
        const name = `${registry.address}/${format}/${compression}`;
        const pushed = await registry.push(`${format}/${compression}`, packImage(built, { format, compression }), 'v1');
        const messages = await pull(name, 'v1');
        const statuses = messages.filter(({ id, progressDetail }) => id === undefined && progressDetail === undefined);
        assert.deepEqual(messages[0], { status: `Pulling from ${format}/${compression}`, id: 'v1' });
        assert.deepEqual(statuses, [
          { status: `Digest: ${pushed}` },
          { status: `Status: Downloaded newer image for ${name}:v1` },
        ]);
        const { Id, RepoTags, RepoDigests, RootFS } = await inspect(`${name}:v1`);
        assert.deepEqual([Id, RepoTags, RepoDigests], [built.id, [`${name}:v1`], [`${name}@${pushed}`]]);
        assert.deepEqual(RootFS.Layers, built.diffIds);
      });

test('progress of every layer, as docker pull shows it', async () => {
  const name = `${registry.address}/progress`;
  await registry.push('progress', packImage(image()), 'latest');
  const messages = await pull(name, 'latest');
  const layers = new Map<string, string[]>();
  for (const { id, status } of messages)
    if (id !== undefined && id !== 'latest') layers.set(id, [...(layers.get(id) ?? []), status ?? '']);
  assert.equal(layers.size, 2);
  for (const [id, statuses] of layers) {
    assert.match(id, /^[0-9a-f]{12}$/);
    assert.equal(statuses[0], 'Pulling fs layer');
    assert.deepEqual(statuses.slice(-1), ['Pull complete']);
    assert.ok(statuses.includes('Download complete'), statuses.join());
  }
  const extracting = messages.find(({ status }) => status === 'Extracting');
  assert.ok((extracting?.progressDetail?.total ?? 0) > 0);
  assert.match(extracting?.progress ?? '', /^\[=*>? *\] /);
});

test('pulling again says that it is up to date', async () => {
  const name = `${registry.address}/again`;
  const pushed = await registry.push('again', packImage(image()), 'latest');
  await pull(name, 'latest');
  assert.deepEqual(await pull(name, 'latest'), [
    { status: 'Pulling from again', id: 'latest' },
    { status: `Digest: ${pushed}` },
    { status: `Status: Image is up to date for ${name}:latest` },
  ]);
});

test('layers that are there are not fetched again', async () => {
  const base = image();
  const more = buildImage({ tags: [], layers: [...base.layers, tar([{ path: 'third', content: base.id }])] });
  await registry.push('shared', packImage(base), 'base');
  await registry.push('shared', packImage(more), 'more');
  await pull(`${registry.address}/shared`, 'base');
  const statuses = (await pull(`${registry.address}/shared`, 'more')).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 'Already exists').length, 2);
  assert.equal(statuses.filter((status) => status === 'Pull complete').length, 1);
});

test('by digest: no tag, the same digest', async () => {
  const built = image();
  const name = `${registry.address}/by-digest`;
  const pushed = await registry.push('by-digest', packImage(built));
  const messages = await pull(`${name}@${pushed}`);
  assert.equal(messages[0]?.status, 'Pulling from by-digest');
  assert.equal(messages.at(-1)?.status, `Status: Downloaded newer image for ${name}@${pushed}`);
  const { Id, RepoTags, RepoDigests } = await inspect(`${name}@${pushed}`);
  assert.deepEqual([Id, RepoTags, RepoDigests], [built.id, [], [`${name}@${pushed}`]]);
  assert.deepEqual((await pull(name, pushed)).at(-1), { status: `Status: Image is up to date for ${name}@${pushed}` });
});

for (const format of ['docker', 'oci'] as const)
  test(`a ${format} list: the platform of the machine, or the one asked for`, async () => {
    const [amd, arm] = [image(), buildImage({ ...image(), architecture: 'arm64' })];
    const packed = [packImage(arm, { format }), packImage(amd, { format })];
    const platforms = [
      { architecture: 'arm64', os: 'linux', variant: 'v8' },
      { architecture: 'amd64', os: 'linux' },
    ];
    for (const one of packed) await registry.push(`list/${format}`, one);
    const descriptors = packed.map(({ descriptor }, index) => {
      const platform = platforms[index];
      return platform === undefined ? descriptor : { ...descriptor, platform };
    });
    const name = `${registry.address}/list/${format}`;
    const pushed = await registry.push(`list/${format}`, packList(descriptors, format), 'latest');
    await pull(name, 'latest');
    const { Id, RepoDigests } = await inspect(name);
    assert.deepEqual([Id, RepoDigests], [amd.id, [`${name}@${pushed}`]]);
    await engine.expect(200, 'POST', `/images/create?fromImage=${name}&tag=latest&platform=linux/arm64`);
    assert.deepEqual([(await inspect(name)).Id, (await inspect(name)).Architecture], [arm.id, 'arm64']);
    const none = await engine.http('POST', `/images/create?fromImage=${name}&tag=latest&platform=linux/s390x`);
    assert.match(
      none.lines<ProgressMessage>().at(-1)?.error ?? '',
      /no matching manifest for linux\/s390x in the manifest list entries/,
    );
  });

test('without a tag, the API pulls every tag', async () => {
  const [one, two] = [image(), image()];
  await registry.push('every', packImage(one), 'one');
  await registry.push('every', packImage(two), 'two');
  await pull(`${registry.address}/every`);
  assert.deepEqual(
    [(await inspect(`${registry.address}/every:one`)).Id, (await inspect(`${registry.address}/every:two`)).Id],
    [one.id, two.id],
  );
});

test('ten pulls of one image at once give one image', async () => {
  const built = image();
  await registry.push('crowd', packImage(built), 'latest');
  await Promise.all(Array.from({ length: 10 }, () => pull(`${registry.address}/crowd`, 'latest')));
  assert.equal((await inspect(`${registry.address}/crowd`)).Id, built.id);
});

test('what the registry does not have', async () => {
  await registry.push('present', packImage(image()), 'latest');
  const name = `${registry.address}/present`;
  const tag = await engine.http('POST', `/images/create?fromImage=${name}&tag=absent`);
  assert.deepEqual(
    [tag.status, tag.message],
    [404, `manifest for ${name}:absent not found: manifest unknown: manifest unknown`],
  );
  const repository = await engine.http('POST', `/images/create?fromImage=${registry.address}/absent&tag=latest`);
  assert.equal(repository.status, 404);
  assert.match(repository.message, /^manifest for .*\/absent:latest not found: manifest unknown/);
});

test('names that are refused', async () => {
  const expected: readonly (readonly [string, number, RegExp])[] = [
    [
      'fromImage=UPPER&tag=latest',
      400,
      /^invalid reference format: repository name \(library\/UPPER\) must be lowercase$/,
    ],
    ['fromImage=a b&tag=latest', 400, /^invalid reference format/],
    [`fromImage=busybox&tag=${'x'.repeat(200)}`, 400, /^invalid tag format$|^invalid reference format$/],
    ['fromImage=scratch', 403, /^'scratch' is a reserved name$/],
    ['fromImage=127.0.0.1:1/x&tag=latest', 500, /connect: connection refused/],
    ['fromImage=busybox&tag=latest&platform=no/such/plat/form', 400, /platform/],
  ];
  for (const [query, status, message] of expected) {
    const answer = await engine.http('POST', `/images/create?${encodeURI(query)}`);
    assert.equal(answer.status, status, `${query}: ${answer.text}`);
    assert.match(answer.message, message);
  }
});

/** A registry's answers for an image, for a test to falsify some of them. */
function answers(packed: ReturnType<typeof packImage>) {
  const table: Record<
    string,
    { body: string; headers?: Record<string, string>; stallAfter?: number; cutAfter?: number }
  > = {};
  const manifest = {
    body: packed.manifest.toString('base64'),
    headers: { 'Content-Type': packed.mediaType, 'Docker-Content-Digest': packed.descriptor.digest },
  };
  table['/v2/lie/manifests/latest'] = manifest;
  table[`/v2/lie/manifests/${packed.descriptor.digest}`] = manifest;
  for (const blob of packed.blobs) table[`/v2/lie/blobs/${digest(blob)}`] = { body: blob.toString('base64') };
  return table;
}

/** Pulls from a registry that answers so; resolves to the error of the stream or of the answer. */
async function failure(table: ReturnType<typeof answers>): Promise<string> {
  await using lying = await startScriptedRegistry(engine, table);
  const answer = await engine.http('POST', `/images/create?fromImage=${lying.address}/lie&tag=latest`);
  assert.equal((await engine.http('GET', `/images/${lying.address}/lie:latest/json`)).status, 404);
  return answer.status === 200 ? (answer.lines<ProgressMessage>().at(-1)?.error ?? '') : answer.message;
}

test('a layer with another digest than the manifest’s', async () => {
  const packed = packImage(image());
  const table = answers(packed);
  const layer = packed.blobs.at(-1) ?? Buffer.alloc(0);
  table[`/v2/lie/blobs/${digest(layer)}`] = {
    body: Buffer.concat([layer, Buffer.from('x')])
      .subarray(1)
      .toString('base64'),
  };
  assert.match(await failure(table), /filesystem layer verification failed for digest sha256:/);
});

test('a configuration with another digest', async () => {
  const packed = packImage(image());
  const table = answers(packed);
  const config = packed.blobs[0] ?? Buffer.alloc(0);
  table[`/v2/lie/blobs/${digest(config)}`] = {
    body: Buffer.from(config.toString().replace('none', 'evil')).toString('base64'),
  };
  assert.match(await failure(table), /image config verification failed for digest sha256:/);
});

test('a layer whose content is not what the configuration promises', async () => {
  const [built, other] = [image(), image()];
  const packed = packImage({ ...built, layers: other.layers });
  assert.match(await failure(answers(packed)), /layers from manifest don't match image configuration/);
});

test('a truncated compressed layer', async () => {
  const built = image();
  const whole = packImage(built);
  const layer = whole.blobs.at(-1) ?? Buffer.alloc(0);
  const cut = layer.subarray(0, layer.length - 20);
  const manifest = Buffer.from(
    whole.manifest
      .toString()
      .replace(digest(layer), digest(cut))
      .replace(`"size":${layer.length}`, `"size":${cut.length}`),
  );
  const packed = {
    ...whole,
    manifest,
    descriptor: { ...whole.descriptor, digest: digest(manifest) },
    blobs: [...whole.blobs.slice(0, -1), cut],
  };
  assert.match(await failure(answers(packed)), /unexpected EOF/);
});

test('nothing of a failed pull stays: the image can be pulled when it is right', async () => {
  const built = uniqueImage('', engine.unique('content'));
  const packed = packImage(built);
  const table = answers(packed);
  table[`/v2/lie/blobs/${digest(packed.blobs[1] ?? '')}`] = { body: Buffer.from('rubbish').toString('base64') };
  assert.notEqual(await failure(table), '');
  await using honest = await startScriptedRegistry(engine, answers(packed));
  await pull(`${honest.address}/lie`, 'latest');
  assert.equal((await inspect(`${honest.address}/lie`)).Id, built.id);
});

test('a client that goes away ends the pull', async () => {
  const packed = packImage(image());
  const table = answers(packed);
  const layer = packed.blobs.at(-1) ?? Buffer.alloc(0);
  table[`/v2/lie/blobs/${digest(layer)}`] = { body: layer.toString('base64'), stallAfter: 10 };
  await using stalling = await startScriptedRegistry(engine, table);
  const pulling = await engine.stream('POST', `/images/create?fromImage=${stalling.address}/lie&tag=latest`);
  await pulling.received.contains('Pulling fs layer');
  pulling.close();
  await engine.expect(200, 'GET', '/_ping');
});
