import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

for (const method of ['GET', 'HEAD'])
  test(`${method} /_ping`, async () => {
    const { status, text, headers } = await engine.http(method, '/_ping');
    assert.deepEqual([status, text], [200, method === 'GET' ? 'OK' : '']);
    assert.equal(String(headers['api-version']), '1.51');
    assert.equal(headers['docker-experimental'], 'false');
    assert.equal(headers.ostype, 'linux');
    assert.equal(headers['builder-version'], '2');
    assert.equal(headers.swarm, 'inactive');
    assert.match(headers['cache-control'] ?? '', /no-store/);
    assert.match(headers['content-type'] ?? '', /^text\/plain/);
  });

test('/version', async () => {
  const version = (await engine.expect(200, 'GET', '/version')).json();
  assert.deepEqual(
    [version.ApiVersion, version.MinAPIVersion, version.Os, version.Arch],
    ['1.51', '1.24', 'linux', 'amd64'],
  );
  for (const field of ['Version', 'GitCommit', 'GoVersion', 'KernelVersion', 'BuildTime'])
    assert.equal(typeof version[field], 'string', field);
  const names = (version.Components as unknown as { Name: string }[]).map(({ Name }) => Name);
  assert.ok(names.includes('Engine'));
});

test('/info', async () => {
  await engine.start();
  const info = (await engine.expect(200, 'GET', '/info')).json();
  assert.equal(info.Driver, 'overlay2');
  assert.deepEqual([info.OSType, info.Architecture, info.LoggingDriver], ['linux', 'x86_64', 'json-file']);
  assert.ok(['1', '2'].includes(String(info.CgroupVersion)));
  assert.ok(Number(info.NCPU) > 0 && Number(info.MemTotal) > 0);
  assert.equal(
    Number(info.Containers),
    Number(info.ContainersRunning) + Number(info.ContainersPaused) + Number(info.ContainersStopped),
  );
  assert.ok(Number(info.ContainersRunning) >= 1 && Number(info.Images) >= 1);
  assert.ok([...(info.SecurityOptions ?? [])].map(String).includes('name=seccomp,profile=builtin'));
  assert.ok([...(info.Plugins?.Volume ?? [])].map(String).includes('local'));
  assert.ok(Object.keys(info.Runtimes ?? {}).includes(String(info.DefaultRuntime)));
  assert.equal(info.Swarm?.LocalNodeState, 'inactive');
});

/** Version prefixes: path, status, text of the error if any. */
const versions: readonly (readonly [string, number, string | undefined])[] = [
  ['/containers/json', 200, undefined],
  ['/v1.24/containers/json', 200, undefined],
  ['/v1.43/containers/json', 200, undefined],
  ['/v1.51/containers/json', 200, undefined],
  [
    '/v1.23/containers/json',
    400,
    'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  ],
  ['/v1.52/containers/json', 400, 'client version 1.52 is too new. Maximum supported API version is 1.51'],
  ['/v2.0/containers/json', 400, 'client version 2.0 is too new. Maximum supported API version is 1.51'],
  ['/vx/containers/json', 404, 'page not found'],
  ['/no/such/page', 404, 'page not found'],
  ['/v1.51/no/such/page', 404, 'page not found'],
];

for (const [path, status, message] of versions)
  test(`GET ${path}`, async () => {
    const answer = await engine.http('GET', path);
    assert.equal(answer.status, status, answer.text);
    if (message !== undefined) assert.equal(answer.text.startsWith('{') ? answer.message : answer.text.trim(), message);
  });

test('every answer names the API version', async () => {
  for (const path of ['/containers/json', '/v1.30/containers/json', '/containers/nope/json']) {
    const { headers } = await engine.http('GET', path);
    assert.equal(String(headers['api-version']), '1.51');
    assert.match(String(headers.server), /\(linux\)$/);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
  }
});

test('a method that a page does not have', async () => {
  const answer = await engine.http('PUT', '/containers/json');
  assert.deepEqual([answer.status, answer.message], [404, 'page not found']);
});

test('older versions have the fields of their time', async () => {
  const id = await engine.create();
  const old = (await engine.expect(200, 'GET', '/v1.43/images/busybox/json')).json();
  assert.equal(typeof old.VirtualSize, 'number');
  const current = (await engine.expect(200, 'GET', '/v1.51/images/busybox/json')).json();
  assert.equal(current.VirtualSize, undefined);
  await engine.remove(id);
});
