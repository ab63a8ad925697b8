import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkInspect } from '../../../src/contract/docker/index.ts';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

async function network(): Promise<string> {
  const name = engine.unique('net');
  await engine.expect(201, 'POST', '/networks/create', { Name: name, Labels: engine.labels });
  return name;
}

test('a running container gets a link, an address and a name on the network, and loses them', async () => {
  const [first, second] = [await network(), await network()];
  const name = engine.unique('member');
  const id = await engine.start({ HostConfig: { NetworkMode: first } }, name);
  const peer = await engine.start({ HostConfig: { NetworkMode: second } });
  await engine.expect(200, 'POST', `/networks/${second}/connect`, {
    Container: name,
    EndpointConfig: { Aliases: ['extra'] },
  });

  const endpoint = (await engine.inspect(id)).NetworkSettings.Networks[second];
  assert.match(
    (await engine.exec(id, 'ip -o -4 address show eth1')).stdout,
    new RegExp(`inet ${endpoint?.IPAddress}/`),
  );
  assert.match((await engine.exec(peer, 'nslookup extra')).stdout, new RegExp(`Address: ${endpoint?.IPAddress}`));
  const { Containers } = (await engine.expect(200, 'GET', `/networks/${second}`)).json<NetworkInspect>();
  assert.deepEqual(Containers[id], {
    Name: name,
    EndpointID: endpoint?.EndpointID,
    MacAddress: endpoint?.MacAddress,
    IPv4Address: `${endpoint?.IPAddress}/${endpoint?.IPPrefixLen}`,
    IPv6Address: '',
  });

  await engine.expect(200, 'POST', `/networks/${second}/disconnect`, { Container: id });
  assert.equal((await engine.inspect(id)).NetworkSettings.Networks[second], undefined);
  assert.notEqual((await engine.exec(id, 'ip link show eth1')).exitCode, 0);
  assert.notEqual((await engine.exec(peer, 'nslookup extra')).exitCode, 0);
  assert.equal((await engine.exec(id, 'ip link show eth0')).exitCode, 0);
});

test('a container that is not running joins at its start', async () => {
  const [first, second] = [await network(), await network()];
  const id = await engine.create({ Cmd: 'ip -o -4 address', HostConfig: { NetworkMode: first } });
  await engine.expect(200, 'POST', `/networks/${second}/connect`, { Container: id });
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  const { stdout } = await engine.finish(id);
  assert.match(stdout, /eth0 .*\n.*eth1 /);
});

test('an address that was asked for is given, and again after a restart', async () => {
  const name = engine.unique('net');
  const IPAM = { Config: [{ Subnet: '10.202.44.0/24' }] };
  await engine.expect(201, 'POST', '/networks/create', { Name: name, Labels: engine.labels, IPAM });
  const id = await engine.start({ HostConfig: { NetworkMode: 'bridge' } });
  const EndpointConfig = { IPAMConfig: { IPv4Address: '10.202.44.99' } };
  await engine.expect(200, 'POST', `/networks/${name}/connect`, { Container: id, EndpointConfig });
  for (let start = 0; start < 2; start += 1) {
    assert.equal((await engine.inspect(id)).NetworkSettings.Networks[name]?.IPAddress, '10.202.44.99');
    await engine.expect(204, 'POST', `/containers/${id}/restart?t=0`);
  }
});

test('what is refused', async () => {
  const net = await network();
  const name = engine.unique('member');
  const id = await engine.start({ HostConfig: { NetworkMode: net } }, name);
  const host = await engine.start({ HostConfig: { NetworkMode: 'host' } });
  const expected: readonly (readonly [string, object, number, string | RegExp])[] = [
    ['nope/connect', { Container: id }, 404, 'network nope not found'],
    [`${net}/connect`, { Container: 'nope' }, 404, 'No such container: nope'],
    [`${net}/connect`, { Container: id }, 403, `endpoint with name ${name} already exists in network ${net}`],
    [
      `${net}/connect`,
      { Container: host },
      400,
      'container sharing network namespace with another container or host cannot be connected to any other network',
    ],
    ['nope/disconnect', { Container: id }, 404, 'network nope not found'],
    [`${net}/disconnect`, { Container: 'nope' }, 404, 'No such container: nope'],
    ['bridge/disconnect', { Container: id }, 500, `container ${id} is not connected to network bridge`],
  ];
  for (const [path, body, status, message] of expected) {
    const answer = await engine.http('POST', `/networks/${path}`, body);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    if (typeof message === 'string') assert.equal(answer.message, message);
    else assert.match(answer.message, message);
  }
});
