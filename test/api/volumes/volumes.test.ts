import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { Json } from '../../harness/index.ts';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

async function create(body: object = {}): Promise<Json> {
  return (await engine.expect(201, 'POST', '/volumes/create', { Labels: engine.labels, ...body })).json();
}

test('a named volume is a directory', async () => {
  const Name = engine.unique('volume');
  const { CreatedAt, Mountpoint, ...rest } = await create({ Name });
  assert.deepEqual(rest, { Name, Driver: 'local', Labels: engine.labels, Options: null, Scope: 'local' });
  assert.match(String(CreatedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
  assert.match(String(Mountpoint), new RegExp(`/volumes/${Name}/_data$`));
  assert.ok(existsSync(engine.path(String(Mountpoint))));
  assert.deepEqual((await engine.expect(200, 'GET', `/volumes/${Name}`)).json(), { CreatedAt, Mountpoint, ...rest });
  await engine.expect(204, 'DELETE', `/volumes/${Name}`);
  assert.ok(!existsSync(engine.path(String(Mountpoint))));
});

test('creating it again gives the same one', async () => {
  const Name = engine.unique('volume');
  const first = await create({ Name, Labels: { ...engine.labels, first: 'yes' } });
  assert.deepEqual(await create({ Name }), first);
});

test('without a name it gets a random one', async () => {
  const { Name, Labels } = await create();
  assert.match(String(Name), /^[0-9a-f]{64}$/);
  assert.equal((Labels as unknown as Record<string, string>)['com.docker.volume.anonymous'], '');
});

test('options of the local driver: a tmpfs', async () => {
  const Name = engine.unique('volume');
  await create({ Name, DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=1000' } });
  const { stdout } = await engine.run({
    Cmd: 'grep " /v " /proc/mounts; stat -c %u /v',
    HostConfig: { Binds: [`${Name}:/v`] },
  });
  assert.match(stdout, /^tmpfs \/v tmpfs rw,relatime,size=1024k,uid=1000\b.*\n1000\n$/);
});

test('list and its filters', async () => {
  const [Name, used] = [engine.unique('volume'), engine.unique('volume')];
  await create({ Name, Labels: { ...engine.labels, tier: 'back' } });
  await engine.create({ HostConfig: { Binds: [`${used}:/v`] } });
  const list = async (filters: object): Promise<unknown[]> => {
    const answer = await engine.expect(200, 'GET', `/volumes?filters=${encodeURIComponent(JSON.stringify(filters))}`);
    return [...(answer.json<{ Volumes: { Name: string }[] | null }>().Volumes ?? [])].map((volume) => volume.Name);
  };
  const suite = `suite=${engine.suite}`;
  assert.deepEqual(await list({ name: [Name] }), [Name]);
  assert.deepEqual(await list({ label: [suite, 'tier=back'] }), [Name]);
  assert.ok((await list({ driver: ['local'] })).includes(Name));
  assert.deepEqual(await list({ dangling: ['true'], name: [Name] }), [Name]);
  assert.deepEqual(await list({ dangling: ['true'], name: [used] }), []);
  assert.deepEqual(await list({ dangling: ['false'], name: [used] }), [used]);
  const bad = await engine.http('GET', `/volumes?filters=${encodeURIComponent('{"nope":["x"]}')}`);
  assert.deepEqual([bad.status, bad.message], [400, "invalid filter 'nope'"]);
  await engine.removeOwn();
  await engine.expect(204, 'DELETE', `/volumes/${used}`);
});

test('a volume in use cannot be removed', async () => {
  const Name = engine.unique('volume');
  await create({ Name });
  const id = await engine.create({ HostConfig: { Binds: [`${Name}:/v`] } });
  for (const query of ['', '?force=1']) {
    const answer = await engine.http('DELETE', `/volumes/${Name}${query}`);
    assert.deepEqual([answer.status, answer.message], [409, `remove ${Name}: volume is in use - [${id}]`]);
  }
  await engine.remove(id);
  await engine.expect(204, 'DELETE', `/volumes/${Name}`);
});

test('what is refused', async () => {
  const missing = await engine.http('GET', '/volumes/nope');
  assert.deepEqual([missing.status, missing.message], [404, 'get nope: no such volume']);
  const removed = await engine.http('DELETE', '/volumes/nope');
  assert.deepEqual([removed.status, removed.message], [404, 'get nope: no such volume']);
  assert.equal((await engine.http('DELETE', '/volumes/nope?force=1')).status, 204);
  const expected: readonly (readonly [object, number, string])[] = [
    [
      { Name: 'a/b' },
      400,
      'create a/b: "a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    ],
    [{ Name: 'a' }, 400, 'create a: volume name is too short, names should be at least two alphanumeric characters'],
    [{ Name: 'xx', DriverOpts: { nope: '1' } }, 400, 'create xx: invalid option: "nope"'],
  ];
  for (const [body, status, message] of expected) {
    const answer = await engine.http('POST', '/volumes/create', body);
    assert.deepEqual([answer.status, answer.message], [status, message]);
  }
});
