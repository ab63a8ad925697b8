import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { ProgressMessage } from '../../contract/docker/index.ts';
import { parsePlatform } from '../../registry/index.ts';
import { inventory, openTestImages, type TestImages } from '../images.fixture.ts';
import { packImage, pushImage, pushIndex, startRegistry, type TestRegistry } from '../registry.fixture.ts';
import { pullReference } from './pull.ts';

let registry: TestRegistry;
before(async () => {
  registry = await startRegistry();
});
after(() => registry[Symbol.asyncDispose]());

const NOTHING = { images: [], metadata: [], layers: [], directories: [], temporary: [] };

async function pull(
  images: TestImages['images'],
  name: string,
  options: {
    tag?: string;
    platform?: string;
    signal?: AbortSignal;
    onProgress?: (message: ProgressMessage) => void;
  } = {},
): Promise<ProgressMessage[]> {
  const messages: ProgressMessage[] = [];
  await images.pull({
    reference: pullReference(name, options.tag ?? ''),
    platform: options.platform === undefined ? undefined : parsePlatform(options.platform),
    onProgress(message) {
      messages.push(message);
      options.onProgress?.(message);
    },
    signal: options.signal,
  });
  return messages;
}

const statuses = (messages: readonly ProgressMessage[]) =>
  messages.map(({ status, id }) => (id === undefined ? status : `${id}: ${status}`));

test('a pull tells what dockerd tells', async () => {
  await using setup = await openTestImages();
  const { digest, blobs } = await pushImage(registry.host, 'web', '1', { layers: ['one'] });
  const name = `${registry.host}/web`;
  const layer = packImage({ layers: ['one'] }).blobs[0];
  assert.deepEqual(layer, blobs[0]);
  const messages = await pull(setup.images, name, { tag: '1' });
  const id = messages[1]?.id ?? '';
  assert.match(id, /^[0-9a-f]{12}$/);
  assert.deepEqual(statuses(messages), [
    '1: Pulling from web',
    `${id}: Pulling fs layer`,
    `${id}: Downloading`,
    `${id}: Verifying Checksum`,
    `${id}: Download complete`,
    `${id}: Extracting`,
    `${id}: Extracting`,
    `${id}: Pull complete`,
    `Digest: ${digest}`,
    `Status: Downloaded newer image for ${name}:1`,
  ]);
  const size = blobs[0]?.length ?? 0;
  assert.deepEqual(messages[2], {
    status: 'Downloading',
    progressDetail: { current: size, total: size },
    progress: `[${'='.repeat(50)}>] ${`${size}B`.padStart(8)}/${size}B`,
    id,
  });
  assert.deepEqual(statuses(await pull(setup.images, name, { tag: '1' })), [
    '1: Pulling from web',
    `Digest: ${digest}`,
    `Status: Image is up to date for ${name}:1`,
  ]);
  await pushImage(registry.host, 'web', '2', { layers: ['one', 'two'] });
  const second = statuses(await pull(setup.images, name, { tag: '2' }));
  assert.equal(second[1], `${id}: Already exists`);
  assert.deepEqual(setup.images.inspect(`${name}:1`).RepoDigests, [`${name}@${digest}`]);
  assert.deepEqual(setup.events[0], {
    type: 'image',
    action: 'pull',
    id: `${name}:1`,
    attributes: { name },
  });
  assert.deepEqual((await inventory(setup.root)).temporary, []);
});

test('by digest, and every tag', async () => {
  await using setup = await openTestImages();
  const one = await pushImage(registry.host, 'many', '1', { layers: ['one'] });
  await pushImage(registry.host, 'many', '2', { layers: ['two'] });
  const name = `${registry.host}/many`;
  const byDigest = await pull(setup.images, name, { tag: one.digest });
  assert.equal(byDigest.at(-1)?.status, `Status: Downloaded newer image for ${name}@${one.digest}`);
  assert.deepEqual(setup.images.inspect(`${name}@${one.digest}`).RepoTags, []);
  const all = await pull(setup.images, name);
  assert.equal(all.at(-1)?.status, `Status: Downloaded newer image for ${name}`);
  assert.equal(setup.images.list({ usersOf: () => [] }).length, 2);
});

test('the platform is chosen; OCI and Docker forms, gzip and zstd', async () => {
  await using setup = await openTestImages();
  const platform = (architecture: string, variant?: string) => ({
    os: 'linux',
    architecture,
    ...(variant === undefined ? {} : { variant }),
  });
  for (const oci of [true, false]) {
    const repository = oci ? 'oci' : 'docker';
    const digest = await pushIndex(
      registry.host,
      repository,
      't',
      [
        { layers: ['arm'], oci, platform: platform('arm64') },
        { layers: ['amd'], oci, zstd: oci, platform: platform('amd64') },
      ],
      oci,
    );
    const name = `${registry.host}/${repository}:t`;
    await pull(setup.images, name, { platform: 'linux/amd64' });
    assert.equal(setup.images.inspect(name).Architecture, 'amd64');
    assert.deepEqual(setup.images.inspect(name).RepoDigests, [`${registry.host}/${repository}@${digest}`]);
    await pull(setup.images, name, { platform: 'linux/arm64/v8' });
    assert.equal(setup.images.inspect(name).Architecture, 'arm64');
    await assert.rejects(pull(setup.images, name, { platform: 'linux/s390x' }), {
      message: 'no matching manifest for linux/s390x in the manifest list entries',
    });
  }
  await pushImage(registry.host, 'single', 't', { layers: ['one'] });
  const name = `${registry.host}/single:t`;
  const warned = await pull(setup.images, name, { platform: 'linux/arm64' });
  assert.equal(
    warned.at(-1)?.status,
    `WARNING: image with reference ${name} was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)`,
  );
});

test('what is not there', async () => {
  await using setup = await openTestImages();
  const name = `${registry.host}/none`;
  await assert.rejects(pull(setup.images, name, { tag: 't' }), {
    kind: 'notFound',
    message: `manifest for ${name}:t not found: manifest unknown: manifest unknown`,
  });
  assert.throws(() => pullReference('scratch', ''), { message: "'scratch' is a reserved name" });
  assert.throws(() => pullReference('a', 'b!'), { message: 'invalid tag format' });
  assert.deepEqual(await inventory(setup.root), NOTHING);
});

test('pulls at once share downloads, and all succeed', async () => {
  await using setup = await openTestImages();
  const layers = ['base', ...Array.from({ length: 6 }, (_, index) => `layer ${index}`)];
  const one = await pushImage(registry.host, 'shared', '1', { layers });
  const two = await pushImage(registry.host, 'shared', '2', { layers: [...layers, 'more'] });
  await using proxy = await countingProxy(registry.host);
  const name = `${proxy.host}/shared`;
  await Promise.all([1, 1, 1, 2, 2].map((tag) => pull(setup.images, name, { tag: String(tag) })));
  const blobs = proxy.requests.filter((line) => line.includes('/blobs/'));
  const layerRequests = blobs.filter((line) => two.blobs.some((_, index) => line.includes(layerDigest(two, index))));
  assert.equal(new Set(layerRequests).size, layerRequests.length);
  assert.equal(setup.images.resolve(`${name}:1`).id, one.id);
  assert.equal((await inventory(setup.root)).layers.length, 8);
  assert.deepEqual((await inventory(setup.root)).temporary, []);
});

function layerDigest({ manifest }: { manifest: Buffer }, index: number): string {
  return JSON.parse(manifest.toString()).layers[index].digest;
}

test('a client that goes away ends its pull, but not that of another', async () => {
  await using setup = await openTestImages();
  const big = randomBytes(1 << 20).toString('hex');
  await pushImage(registry.host, 'big', 't', { layers: [big] });
  await using proxy = await countingProxy(registry.host, { slow: true });
  const name = `${proxy.host}/big`;
  const leaving = new AbortController();
  const left = pull(setup.images, name, {
    tag: 't',
    signal: leaving.signal,
    onProgress: ({ status }) => status === 'Downloading' && leaving.abort(),
  });
  const staying = pull(setup.images, name, { tag: 't' });
  await assert.rejects(left, { kind: 'cancelled' });
  await staying;
  assert.equal(setup.images.find(`${name}:t`)?.diffIds.length, 1);
  await using alone = await openTestImages();
  const gone = new AbortController();
  const only = pull(alone.images, name, {
    tag: 't',
    signal: gone.signal,
    onProgress: ({ status }) => status === 'Downloading' && gone.abort(),
  });
  await assert.rejects(only, { kind: 'cancelled' });
  assert.deepEqual(await inventory(alone.root), NOTHING);
});

test('lies of a registry leave nothing', async () => {
  await using setup = await openTestImages();
  const packed = packImage({ layers: ['one', 'two'] });
  const other = packImage({ layers: ['three'] });
  const serve: Record<string, (path: string) => Buffer | undefined> = {
    layer: (path) => (path.includes(layerDigest(packed, 1)) ? Buffer.alloc(packed.blobs[1]?.length ?? 0) : undefined),
    config: (path) => (path.includes(packed.id) ? Buffer.from('{"lie":1}') : undefined),
  };
  const server = createServer((request, response) => {
    const [, , kind = '', what] = request.url?.split('/') ?? [];
    const path = request.url ?? '';
    const blob = [packed.config, ...packed.blobs].find((_, index) =>
      path.includes(index === 0 ? packed.id : layerDigest(packed, index - 1)),
    );
    const type = what === 'manifests' ? packed.mediaType : 'application/octet-stream';
    const mixed = Buffer.from(packed.manifest.toString().replaceAll(packed.id, other.id));
    const manifest = kind === 'mixed' ? mixed : packed.manifest;
    const otherConfig = path.includes(other.id) ? other.config : undefined;
    response.writeHead(200, { 'content-type': type });
    response.end(what === 'manifests' ? manifest : (serve[kind]?.(path) ?? otherConfig ?? blob));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cases: [name: string, message: RegExp][] = [
      ['layer', /^filesystem layer verification failed for digest sha256:/],
      ['config', /^error pulling image configuration: image config verification failed for digest sha256:/],
      ['mixed', /^(layers from manifest don't match image configuration|error pulling image configuration: .*)$/],
    ];
    for (const [name, message] of cases) {
      await assert.rejects(pull(setup.images, `${host}/${name}`, { tag: 't' }), { message });
      assert.deepEqual(await inventory(setup.root), NOTHING, name);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** A registry in front of another that notes what it is asked, and may take its time. */
async function countingProxy(target: string, { slow = false } = {}) {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    requests.push(request.url ?? '');
    const answer = await fetch(`http://${target}${request.url}`, {
      headers: { accept: request.headers.accept ?? '*/*' },
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    const body = Buffer.from(await answer.arrayBuffer());
    const pieces = slow && body.length > 10_000 ? 20 : 1;
    const size = Math.ceil(body.length / pieces);
    for (let piece = 0; piece < pieces; piece++) {
      response.write(body.subarray(piece * size, (piece + 1) * size));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
