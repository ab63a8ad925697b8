import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { digestOf } from '../base/index.ts';
import { type Handler, manifestAnswer, refusalAnswer, startHostileRegistry } from './hostile.fixture.ts';
import { MEDIA_TYPES } from './manifest.ts';
import { parseReference } from './reference.ts';
import { openRegistry, type RegistryOptions } from './registry.ts';

const FAST: RegistryOptions = { stallMilliseconds: 300, retryStepSeconds: 0.01, downloadAttempts: 3 };

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-registry-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function withRegistry(handler: Handler) {
  const server = await startHostileRegistry(handler);
  const registry = openRegistry(FAST);
  return {
    server,
    registry,
    connect: (name: string, credentials?: { username: string; password: string }) =>
      registry.connect(parseReference(`${server.host}/${name}`), { credentials }),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const message = (text: string | RegExp) => (error: Error) => {
  if (typeof text === 'string') assert.equal(error.message, text);
  else assert.match(error.message, text);
  return true;
};

test('refusals are told in dockerd’s words', async () => {
  const answers: Record<string, [answer: ReturnType<Handler>, text: string | ((host: string) => string)]> = {
    bare: [refusalAnswer(401, 'UNAUTHORIZED', 'authentication required'), 'unauthorized'],
    denied: [refusalAnswer(403, 'DENIED', 'requested access to the resource is denied'), 'denied'],
    hub: [
      refusalAnswer(401, 'DENIED', 'requested access to the resource is denied', [{ Name: 'x' }]),
      (host) =>
        `pull access denied for ${host}/hub, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    ],
    missing: [
      refusalAnswer(404, 'MANIFEST_UNKNOWN', 'manifest unknown', { Tag: 't' }),
      (host) => `manifest for ${host}/missing:t not found: manifest unknown: manifest unknown`,
    ],
    plain: [{ status: 404, body: 'nothing' }, 'unknown: nothing'],
    broken: [{ status: 500, body: 'oops' }, 'received unexpected HTTP status: 500 Internal Server Error'],
    limit: [refusalAnswer(429, 'TOOMANYREQUESTS', 'slow'), 'toomanyrequests: slow'],
    html: [
      { headers: { 'content-type': 'text/html' }, body: '<html>' },
      "error unmarshalling content: invalid character '<' looking for beginning of value",
    ],
    cut: [{ headers: { 'content-type': MEDIA_TYPES.dockerManifest }, body: '{' }, 'unexpected end of JSON input'],
    untyped: [
      { headers: { 'content-type': MEDIA_TYPES.dockerManifest }, body: '{}' },
      `mediaType in manifest should be '${MEDIA_TYPES.dockerManifest}' not ''`,
    ],
  };
  await using setup = await withRegistry((request) => answers[request.url?.split('/')[2] ?? '']?.[0]);
  for (const [name, [, text]] of Object.entries(answers)) {
    const repository = await setup.connect(name);
    const expected = typeof text === 'string' ? text : text(setup.server.host);
    await assert.rejects(repository.manifest('t'), message(expected), name);
  }
});

test('schema 1, huge manifests, loops and lies about digests are refused', async () => {
  const wrong = `sha256:${'1'.repeat(64)}` as const;
  await using setup = await withRegistry((request) => {
    const name = request.url?.split('/')[2];
    const headers = { 'content-type': MEDIA_TYPES.dockerManifest };
    if (name === 'old')
      return { headers: { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' } };
    if (name === 'huge') return { headers, body: `{"a":"${'x'.repeat(5 << 20)}"}` };
    if (name === 'loop') return { status: 302, headers: { location: request.url ?? '' } };
    if (name === 'lie') return manifestAnswer(Buffer.from('{}'), []);
    return undefined;
  });
  await assert.rejects(
    (await setup.connect('old')).manifest('t'),
    message(/^\[DEPRECATION NOTICE\] Docker Image Format v1/),
  );
  await assert.rejects((await setup.connect('huge')).manifest('t'), message('manifest is larger than 4194304 bytes'));
  await assert.rejects(
    (await setup.connect('loop')).manifest('t'),
    message('Head "/v2/loop/manifests/t": stopped after 10 redirects'),
  );
  await assert.rejects(
    (await setup.connect('lie')).manifest(wrong),
    message(`manifest verification failed for digest ${wrong}`),
  );
});

test('a layer is resumed where the connection broke, and nothing is downloaded twice', async () => {
  const content = Buffer.from('0123456789'.repeat(1000));
  await using setup = await withRegistry((request, attempt) => {
    if (!request.url?.includes('/blobs/')) return undefined;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers: Record<string, string> = from === 0 ? {} : { 'content-range': `bytes ${from}-9999/10000` };
    const body = content.subarray(from);
    return { status: from === 0 ? 200 : 206, headers, body, ...(attempt < 3 ? { cutAt: 3000 } : {}) };
  });
  const repository = await setup.connect('r');
  const seen: number[] = [];
  const path = join(folder, 'resumed');
  const descriptor = { mediaType: '', digest: digestOf(content), size: content.length };
  await repository.download(descriptor, path, { onProgress: (bytes) => seen.push(bytes) });
  assert.deepEqual(await readFile(path), content);
  assert.deepEqual(
    seen,
    seen.toSorted((one, other) => one - other),
  );
  assert.equal(setup.server.requests.filter((line) => line.includes('/blobs/')).length, 3);
});

test('a registry that ignores ranges is begun anew', async () => {
  const content = Buffer.from('0123456789'.repeat(1000));
  await using setup = await withRegistry((request, attempt) =>
    request.url?.includes('/blobs/') ? { body: content, ...(attempt === 1 ? { cutAt: 3000 } : {}) } : undefined,
  );
  const path = join(folder, 'anew');
  await (await setup.connect('r')).download({ mediaType: '', digest: digestOf(content), size: 10_000 }, path);
  assert.deepEqual(await readFile(path), content);
});

test('lies about layers are found out', async () => {
  const content = Buffer.from('content');
  const digest = digestOf(content);
  const bodies: Record<string, string> = { other: 'CONTENT', longer: 'content and more', shorter: 'cont' };
  await using setup = await withRegistry((request) => ({ body: bodies[request.url?.split('/')[2] ?? ''] ?? '' }));
  for (const name of ['other', 'longer', 'shorter']) {
    const repository = await setup.connect(name);
    const download = repository.download({ mediaType: '', digest, size: 7 }, join(folder, name));
    await assert.rejects(download, message(`filesystem layer verification failed for digest ${digest}`));
  }
});

test('a registry that falls silent is given up on', async () => {
  const content = Buffer.alloc(1000);
  await using setup = await withRegistry((request) =>
    request.url === '/v2/' ? undefined : { body: content, stallAt: 10 },
  );
  const repository = await setup.connect('r');
  const retries: number[] = [];
  const begun = performance.now();
  await assert.rejects(
    repository.download({ mediaType: '', digest: digestOf(content), size: 1000 }, join(folder, 'stalled'), {
      onRetry: (seconds) => retries.push(seconds),
    }),
    message(/context deadline exceeded/),
  );
  assert.equal(retries.length, 2);
  assert.ok(performance.now() - begun < 10_000);
});

test('a download ends when its client goes away', async () => {
  const content = Buffer.alloc(1000);
  await using setup = await withRegistry((request) =>
    request.url === '/v2/' ? undefined : { body: content, stallAt: 10 },
  );
  const repository = await setup.connect('r');
  const controller = new AbortController();
  const download = repository.download({ mediaType: '', digest: digestOf(content), size: 1000 }, join(folder, 'left'), {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(download, { kind: 'cancelled' });
});

test('tokens are fetched once, sent along, and refusals of the token service are told', async () => {
  const content = Buffer.from('{}');
  let host = '';
  await using setup = await withRegistry((request) => {
    if (request.url?.startsWith('/token')) {
      const known = request.headers.authorization === `Basic ${Buffer.from('u:p').toString('base64')}`;
      return known
        ? { body: '{"token":"secret"}' }
        : { status: 401, body: '{"details":"incorrect username or password"}' };
    }
    if (request.headers.authorization === 'Bearer secret' && request.url !== '/v2/') return manifestAnswer(content, []);
    const challenge = `Bearer realm="http://${host}/token",service="s"`;
    return {
      ...refusalAnswer(401, 'UNAUTHORIZED', 'authentication required'),
      headers: { 'www-authenticate': challenge },
    };
  });
  host = setup.server.host;
  const repository = await setup.connect('r', { username: 'u', password: 'p' });
  await repository.manifest('a');
  await repository.manifest('b');
  assert.deepEqual(
    setup.server.requests.filter((line) => line.includes('/token')),
    ['GET /token?account=u&scope=repository%3Ar%3Apull&service=s'],
  );
  await assert.rejects(
    (await setup.connect('r')).manifest('t'),
    message(`Head "http://${host}/v2/r/manifests/t": unauthorized: incorrect username or password`),
  );
});

test('an endless demand for credentials ends', async () => {
  await using setup = await withRegistry(() => ({
    ...refusalAnswer(401, 'UNAUTHORIZED', 'authentication required'),
    headers: { 'www-authenticate': 'Basic realm="x"' },
  }));
  const known = await setup.connect('r', { username: 'u', password: 'p' });
  await assert.rejects(known.manifest('t'), message('unauthorized'));
  const unknown = await setup.connect('r');
  await assert.rejects(
    unknown.manifest('t'),
    message(`Head "http://${setup.server.host}/v2/r/manifests/t": no basic auth credentials`),
  );
});

test('no registry there', async () => {
  await using registry = openRegistry(FAST);
  await assert.rejects(
    registry.connect(parseReference('127.0.0.1:1/x')),
    message('Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'),
  );
});
