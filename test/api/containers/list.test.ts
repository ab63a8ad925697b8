import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ContainerSummary } from '../../../src/contract/docker/index.ts';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.settings);
const network = engine.unique('net');
await engine.expect(201, 'POST', '/networks/create', { Name: network, Labels: engine.labels });
const volume = engine.unique('volume');

const names = {
  created: engine.unique('created'),
  running: engine.unique('running'),
  paused: engine.unique('paused'),
  exited: engine.unique('exited'),
};
const created = await engine.create({ Image: 'settings', Labels: { color: 'blue', size: 'large' } }, names.created);
const running = await engine.start(
  {
    Labels: { color: 'red' },
    ExposedPorts: { '80/tcp': {}, '81/tcp': {} },
    HostConfig: {
      NetworkMode: network,
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
      Binds: [`${volume}:/data`],
    },
  },
  names.running,
);
const paused = await engine.start({}, names.paused);
await engine.expect(204, 'POST', `/containers/${paused}/pause`);
const exited = await engine.create({ Cmd: 'exit 3' }, names.exited);
await engine.expect(204, 'POST', `/containers/${exited}/start`);
await engine.wait(exited);
// An engine of the test's own is gone by now, and its volumes with it.
after(() => engine.http('DELETE', `/volumes/${volume}?force=1`).catch(() => undefined));

/** Lists this file's containers by the filters; newest first. */
async function list(filters: object, query = 'all=1'): Promise<ContainerSummary[]> {
  const all = { label: [`suite=${engine.suite}`], ...filters };
  const answer = await engine.expect(
    200,
    'GET',
    `/containers/json?${query}&filters=${encodeURIComponent(JSON.stringify(all))}`,
  );
  return answer.json<ContainerSummary[]>();
}

const hostPort = (await engine.inspect(running)).NetworkSettings.Ports?.['80/tcp']?.[0]?.HostPort ?? '';
const suite = `suite=${engine.suite}`;
const label: Readonly<Record<string, string>> = {
  [created]: 'created',
  [running]: 'running',
  [paused]: 'paused',
  [exited]: 'exited',
};

/** Filters and the containers they leave, newest first. */
const filters: readonly (readonly [object, readonly string[]])[] = [
  [{}, ['exited', 'paused', 'running', 'created']],
  [{ status: ['running'] }, ['running']],
  [{ status: ['paused', 'created'] }, ['paused', 'created']],
  [{ exited: ['3'] }, ['exited']],
  [{ exited: ['0'] }, []],
  [{ id: [running.slice(0, 12)] }, ['running']],
  [{ name: [names.paused] }, ['paused']],
  [{ name: [`^/${names.paused}$`] }, ['paused']],
  [{ name: [`(created|exited)-${engine.suite}`] }, ['exited', 'created']],
  [{ label: [suite, 'color'] }, ['running', 'created']],
  [{ label: [suite, 'color=red'] }, ['running']],
  [{ label: [suite, 'color', 'size=large'] }, ['created']],
  [{ ancestor: ['settings'] }, ['created']],
  [{ ancestor: ['busybox:latest'] }, ['exited', 'paused', 'running']],
  [{ ancestor: [engine.images.busybox.id] }, ['exited', 'paused', 'running']],
  [{ ancestor: ['no-such-image'] }, []],
  [{ before: [names.paused] }, ['running', 'created']],
  [{ since: [running] }, ['exited', 'paused']],
  [{ network: [network] }, ['running']],
  [{ network: ['none'] }, ['exited', 'paused', 'created']],
  [{ volume: [volume] }, ['running']],
  [{ volume: ['/data'] }, ['running', 'created']],
  [{ publish: [hostPort] }, ['running']],
  [{ publish: [`${hostPort}/tcp`] }, ['running']],
  [{ publish: [`${Number(hostPort) - 1}-${hostPort}`] }, ['running']],
  [{ publish: [`${hostPort}/udp`] }, []],
  [{ publish: ['81'] }, []],
  [{ expose: ['81/tcp'] }, ['running']],
  [{ expose: ['81'] }, ['running']],
  [{ 'is-task': ['true'] }, []],
  [{ health: ['none'] }, ['exited', 'paused', 'running', 'created']],
];

for (const [filter, expected] of filters)
  test(`filter ${JSON.stringify(filter).replaceAll(engine.suite, 'SUITE').replaceAll(hostPort, 'PORT')}`, async () => {
    assert.deepEqual(
      (await list(filter)).map(({ Id }) => label[Id]),
      expected,
    );
  });

test('filters may be maps of true, as clients before API 1.22 wrote them', async () => {
  const filter = { label: { [suite]: true }, status: { exited: true } };
  assert.deepEqual(
    (await list(filter)).map(({ Id }) => label[Id]),
    ['exited'],
  );
});

test('only running and paused ones without all=1', async () => {
  assert.deepEqual(
    (await list({}, 'all=0')).map(({ Id }) => label[Id]),
    ['paused', 'running'],
  );
});

test('limit gives the last created, running or not', async () => {
  const last = await engine.expect(200, 'GET', '/containers/json?limit=1');
  assert.equal(last.json<ContainerSummary[]>().length, 1);
  assert.deepEqual(
    (await list({}, 'limit=2')).map(({ Id }) => label[Id]),
    ['exited', 'paused'],
  );
});

test('the fields of an entry', async () => {
  const [entry] = await list({ id: [running] });
  assert.ok(entry);
  assert.deepEqual(entry.Names, [`/${names.running}`]);
  assert.deepEqual([entry.Image, entry.ImageID, entry.State], ['busybox', engine.images.busybox.id, 'running']);
  assert.equal(entry.Command, `sh -c 'trap "exit 0" TERM; while :; do sleep 60 & wait $!; done'`);
  assert.match(entry.Status, /^Up (\d+ seconds?|Less than a second)$/);
  assert.ok(Math.abs(entry.Created - Date.now() / 1000) < 120);
  assert.deepEqual(entry.Labels, { ...engine.labels, color: 'red' });
  assert.deepEqual(entry.HostConfig, { NetworkMode: network });
  assert.deepEqual(entry.Ports.map(({ IP, PrivatePort, Type }) => [PrivatePort, IP, Type]).sort(), [
    [80, '127.0.0.1', 'tcp'],
    [81, undefined, 'tcp'],
  ]);
  assert.ok(Number(entry.Ports.find(({ PrivatePort }) => PrivatePort === 80)?.PublicPort) > 0);
  const endpoint = entry.NetworkSettings.Networks[network];
  assert.match(endpoint?.IPAddress ?? '', /^\d+\.\d+\.\d+\.\d+$/);
  assert.match(endpoint?.MacAddress ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  const [mount] = entry.Mounts;
  assert.deepEqual(
    [mount?.Type, mount?.Name, mount?.Destination, mount?.Driver, mount?.Mode, mount?.RW],
    ['volume', volume, '/data', 'local', 'z', true],
  );
});

test('Status tells how each one is', async () => {
  const status = Object.fromEntries((await list({})).map(({ Id, Status }) => [label[Id], Status]));
  assert.equal(status.created, 'Created');
  assert.match(status.paused ?? '', /^Up .* \(Paused\)$/);
  assert.match(status.exited ?? '', /^Exited \(3\) (\d+ seconds?|Less than a second) ago$/);
});

test('size=1 adds sizes', async () => {
  await engine.expect(204, 'POST', `/containers/${paused}/unpause`);
  await engine.exec(paused, 'head -c 100000 /dev/zero > /big');
  const [entry] = await list({ id: [paused] }, 'all=1&size=1');
  assert.ok((entry?.SizeRw ?? 0) >= 100_000 && (entry?.SizeRw ?? 0) < 110_000);
  assert.ok((entry?.SizeRootFs ?? 0) > (entry?.SizeRw ?? 0));
  await engine.expect(204, 'POST', `/containers/${paused}/pause`);
});

/** Queries that are refused: query, status, text. */
const refused: readonly (readonly [string, number, string])[] = [
  ['filters={"nope":["x"]}', 400, "invalid filter 'nope'"],
  ['filters={"label!":["x"]}', 400, "invalid filter 'label!'"],
  [
    'filters={"status":["nope"]}',
    400,
    "invalid filter 'status=nope': invalid value for state (nope): must be one of created, running, paused, restarting, removing, exited, dead",
  ],
  ['filters={"exited":["x"]}', 400, `invalid filter 'exited=x': strconv.Atoi: parsing "x": invalid syntax`],
  [
    'filters={"health":["nope"]}',
    400,
    "invalid filter 'health=nope': invalid value for health (nope): must be one of none, starting, healthy, unhealthy",
  ],
  ['filters={"is-task":["x"]}', 400, "invalid filter 'is-task=[x]'"],
  ['filters={"before":["nope"]}', 404, 'No such container: nope'],
  ['filters={"since":["nope"]}', 404, 'No such container: nope'],
  ['filters=x', 400, 'invalid filter'],
  ['filters={"status":"running"}', 400, 'invalid filter'],
  ['limit=x', 500, 'strconv.Atoi: parsing "x": invalid syntax'],
];

for (const [query, status, message] of refused)
  test(`refuses ${query}`, async () => {
    const answer = await engine.http('GET', `/containers/json?${encodeURI(query)}`);
    assert.deepEqual([answer.status, answer.message], [status, message]);
  });
