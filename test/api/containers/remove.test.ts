import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('a removed container is gone with its files', async () => {
  const { id } = await engine.run({ Cmd: 'echo x > /file' });
  const { LogPath, GraphDriver } = await engine.inspect(id);
  const directories = [dirname(LogPath), dirname(String(GraphDriver.Data.UpperDir))].map((path) => engine.path(path));
  assert.deepEqual(directories.map(existsSync), [true, true]);
  await engine.expect(204, 'DELETE', `/containers/${id}`);
  assert.deepEqual(directories.map(existsSync), [false, false]);
  const answer = await engine.http('GET', `/containers/${id}/json`);
  assert.deepEqual([answer.status, answer.message], [404, `No such container: ${id}`]);
});

test('a running container is removed only by force', async () => {
  const name = engine.unique('running');
  const id = await engine.start({}, name);
  const answer = await engine.http('DELETE', `/containers/${name}`);
  assert.deepEqual(
    [answer.status, answer.message],
    [
      409,
      `cannot remove container "${name}": container is running: stop the container before removing or force remove`,
    ],
  );
  await engine.expect(204, 'DELETE', `/containers/${id}?force=1`);
  assert.equal((await engine.http('GET', `/containers/${id}/json`)).status, 404);
});

test('a paused container is removed only by force', async () => {
  const id = await engine.start();
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  const answer = await engine.http('DELETE', `/containers/${id}`);
  assert.deepEqual(
    [answer.status, answer.message],
    [409, `cannot remove container "${id}": container is paused and must be unpaused first`],
  );
  await engine.expect(204, 'DELETE', `/containers/${id}?force=1`);
});

test('v=1 removes anonymous volumes and keeps named ones', async () => {
  const named = engine.unique('named');
  await engine.expect(201, 'POST', '/volumes/create', { Name: named, Labels: engine.labels });
  const id = await engine.create({ Volumes: { '/anonymous': {} }, HostConfig: { Binds: [`${named}:/named`] } });
  const { Mounts } = await engine.inspect(id);
  const anonymous = Mounts.find((mount) => mount.Destination === '/anonymous')?.Name;
  assert.match(anonymous ?? '', /^[0-9a-f]{64}$/);
  await engine.expect(204, 'DELETE', `/containers/${id}?v=1`);
  assert.equal((await engine.http('GET', `/volumes/${anonymous}`)).status, 404);
  assert.equal((await engine.http('GET', `/volumes/${named}`)).status, 200);
});

test('without v=1 anonymous volumes stay', async () => {
  const id = await engine.create({ Volumes: { '/anonymous': {} } });
  const volume = (await engine.inspect(id)).Mounts[0]?.Name;
  await engine.expect(204, 'DELETE', `/containers/${id}`);
  await engine.expect(200, 'GET', `/volumes/${volume}`);
  await engine.expect(204, 'DELETE', `/volumes/${volume}`);
});

test('no such container', async () => {
  for (const query of ['', '?force=1']) {
    const answer = await engine.http('DELETE', `/containers/nope${query}`);
    assert.deepEqual([answer.status, answer.message], [404, 'No such container: nope']);
  }
});

test('many removals of one container: one succeeds, none breaks', async () => {
  const id = await engine.start();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => engine.http('DELETE', `/containers/${id}?force=1`)),
  );
  const statuses = answers.map(({ status }) => status);
  assert.ok(statuses.includes(204));
  assert.ok(
    statuses.every((status) => [204, 404, 409].includes(status)),
    statuses.join(),
  );
});
