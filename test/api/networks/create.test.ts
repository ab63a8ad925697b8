import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkInspect } from '../../../src/contract/docker/index.ts';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

async function create(options: object = {}): Promise<{ name: string; id: string }> {
  const name = engine.unique('net');
  const answer = await engine.expect(201, 'POST', '/networks/create', {
    Name: name,
    Labels: engine.labels,
    ...options,
  });
  assert.equal(answer.json().Warning, '');
  return { name, id: String(answer.json().Id) };
}

async function inspect(reference: string): Promise<NetworkInspect> {
  return (await engine.expect(200, 'GET', `/networks/${reference}`)).json<NetworkInspect>();
}

test('a network with defaults', async () => {
  const { name, id } = await create();
  assert.match(id, /^[0-9a-f]{64}$/);
  const { Created, IPAM, ...rest } = await inspect(name);
  assert.ok(Math.abs(Date.parse(Created) - Date.now()) < 60_000);
  assert.equal(IPAM.Driver, 'default');
  assert.match(IPAM.Config?.[0]?.Subnet ?? '', /^\d+\.\d+\.\d+\.0\/\d+$/);
  assert.match(IPAM.Config?.[0]?.Gateway ?? '', /^\d+\.\d+\.\d+\.1(\/\d+)?$/);
  assert.deepEqual(rest, {
    Name: name,
    Id: id,
    Scope: 'local',
    Driver: 'bridge',
    EnableIPv4: true,
    EnableIPv6: false,
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: {},
    Options: {},
    Labels: engine.labels,
  });
});

test('it is found by name, ID and prefix', async () => {
  const { name, id } = await create();
  for (const reference of [name, id, id.slice(0, 12)]) assert.equal((await inspect(reference)).Id, id);
});

test('its bridge is a link of the host, named by an option or after the ID, and goes with it', async () => {
  const plain = await create();
  const named = await create({ Options: { 'com.docker.network.bridge.name': 'tst-br0' } });
  for (const [link, id] of [
    [`br-${plain.id.slice(0, 12)}`, plain.id],
    ['tst-br0', named.id],
  ]) {
    assert.equal((await engine.inNetwork('ip', 'link', 'show', `${link}`)).status, 0);
    const gateway = (await inspect(`${id}`)).IPAM.Config?.[0]?.Gateway?.split('/')[0];
    assert.match(
      (await engine.inNetwork('ip', '-o', '-4', 'address', 'show', `${link}`)).stdout,
      new RegExp(`inet ${gateway}/`),
    );
    await engine.expect(204, 'DELETE', `/networks/${id}`);
    assert.notEqual((await engine.inNetwork('ip', 'link', 'show', `${link}`)).status, 0);
  }
});

test('two networks get different subnets', async () => {
  const subnets = await Promise.all(
    [1, 2, 3, 4].map(async () => (await inspect((await create()).id)).IPAM.Config?.[0]?.Subnet),
  );
  assert.equal(new Set(subnets).size, 4);
});

test('the predefined networks', async () => {
  const networks = (await engine.expect(200, 'GET', '/networks')).json<NetworkInspect[]>();
  for (const [name, driver] of [
    ['bridge', 'bridge'],
    ['host', 'host'],
    ['none', 'null'],
  ])
    assert.equal(networks.find(({ Name }) => Name === name)?.Driver, driver);
  const { Options } = await inspect('bridge');
  assert.equal(Options['com.docker.network.bridge.default_bridge'], 'true');
  assert.equal(Options['com.docker.network.bridge.enable_ip_masquerade'], 'true');
});

test('list filters', async () => {
  const { name, id } = await create({ Labels: { ...engine.labels, tier: 'front' } });
  const user = await engine.start({ HostConfig: { NetworkMode: name } });
  const filters: readonly (readonly [object, (networks: NetworkInspect[]) => boolean])[] = [
    [{ name: [name] }, (found) => found.length === 1],
    [{ id: [id.slice(0, 20)] }, (found) => found.length === 1],
    [{ label: ['tier=front', `suite=${engine.suite}`] }, (found) => found[0]?.Id === id],
    [{ driver: ['host'] }, (found) => found.length === 1 && found[0]?.Name === 'host'],
    [{ type: ['builtin'] }, (found) => found.length === 3],
    [{ type: ['custom'], name: [name] }, (found) => found.length === 1],
    [{ scope: ['local'], name: [name] }, (found) => found.length === 1],
  ];
  for (const [filter, holds] of filters) {
    const answer = await engine.expect(200, 'GET', `/networks?filters=${encodeURIComponent(JSON.stringify(filter))}`);
    assert.ok(holds(answer.json<NetworkInspect[]>()), `${JSON.stringify(filter)}: ${answer.text}`);
  }
  await engine.remove(user);
  const bad = await engine.http('GET', `/networks?filters=${encodeURIComponent('{"nope":["x"]}')}`);
  assert.deepEqual([bad.status, bad.message], [400, "invalid filter 'nope'"]);
});

test('what is refused', async () => {
  const { name } = await create();
  const expected: readonly (readonly [object | string, number, string | RegExp])[] = [
    [{ Name: name }, 409, `network with name ${name} already exists`],
    [{ Name: '' }, 400, 'invalid name: name is empty'],
    [{ Name: 'bridge' }, 403, /^operation is not permitted on predefined bridge network $/],
    [{ Name: 'host' }, 403, /host network$|^operation is not permitted on predefined host network $/],
    [{ Name: 'xx', Driver: 'nope' }, 404, /plugin "nope" not found/],
    [{ Name: 'xx', IPAM: { Config: [{ Subnet: 'nope' }] } }, 400, /invalid subnet nope/],
    [
      { Name: 'xx', IPAM: { Config: [{ Subnet: '10.9.8.0/24', Gateway: '10.9.9.1' }] } },
      400,
      /invalid gateway 10\.9\.9\.1|parent subnet/,
    ],
    ['{"Name":', 400, /^invalid JSON: /],
  ];
  for (const [body, status, message] of expected) {
    const answer = await engine.http('POST', '/networks/create', body);
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
    if (typeof message === 'string') assert.equal(answer.message, message);
    else assert.match(answer.message, message);
  }
});

test('a subnet that another network has is refused', async () => {
  const Subnet = '10.201.33.0/24';
  await create({ IPAM: { Config: [{ Subnet }] } });
  const answer = await engine.http('POST', '/networks/create', {
    Name: engine.unique('net'),
    IPAM: { Config: [{ Subnet }] },
  });
  assert.deepEqual(
    [answer.status, answer.message],
    [403, 'invalid pool request: Pool overlaps with other one on this address space'],
  );
});
