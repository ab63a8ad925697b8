import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_ADDRESS, startOutsideHost, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

async function network(options: object = {}): Promise<string> {
  const name = engine.unique('net');
  await engine.expect(201, 'POST', '/networks/create', { Name: name, Labels: engine.labels, ...options });
  return name;
}

/** Starts a container on a network; resolves to its ID, name and address. */
async function member(NetworkMode: string, more: object = {}) {
  const name = engine.unique('member');
  const id = await engine.start({ HostConfig: { NetworkMode }, ...more }, name);
  const address = (await engine.inspect(id)).NetworkSettings.Networks[NetworkMode]?.IPAddress ?? '';
  return { id, name, address };
}

/** Exit code of three attempts to reach an address from a container. */
async function ping(from: string, to: string): Promise<number> {
  return (await engine.exec(from, `ping -c 3 -i 0.2 -W 1 ${to} | grep -q " [1-3] packets received"`)).exitCode;
}

test('the default bridge: address, route, the gateway and the host answer', async () => {
  const { id, address } = await member('bridge');
  const { stdout } = await engine.exec(
    id,
    'ip -o -4 address show eth0; ip route; cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu',
  );
  const { Gateway, IPPrefixLen, MacAddress } = (await engine.inspect(id)).NetworkSettings;
  assert.match(stdout, new RegExp(`inet ${address}/${IPPrefixLen} `));
  assert.match(stdout, new RegExp(`^default via ${Gateway} dev eth0`, 'm'));
  assert.match(stdout, new RegExp(`^${MacAddress}\n1500$`, 'm'));
  assert.equal(await ping(id, Gateway), 0);
  assert.equal(await ping(id, HOST_ADDRESS), 0);
});

test('containers on the default bridge reach each other by address, not by name', async () => {
  const [one, two] = [await member('bridge'), await member('bridge')];
  assert.equal(await ping(one.id, two.address), 0);
  assert.notEqual((await engine.exec(one.id, `nslookup ${two.name}`)).exitCode, 0);
});

test('on a user network, names, aliases, short IDs and hostnames resolve', async () => {
  const net = await network();
  const one = await member(net);
  const two = await member(net, {
    Hostname: 'host-of-two',
    NetworkingConfig: { EndpointsConfig: { [net]: { Aliases: ['alias-of-two'] } } },
  });
  for (const name of [two.name, 'alias-of-two', two.id.slice(0, 12), `${two.name}.${net}`]) {
    const { stdout } = await engine.exec(one.id, `nslookup ${name}`);
    assert.match(stdout, new RegExp(`Address: ${two.address}`), name);
    assert.equal(await ping(one.id, name), 0, name);
  }
  const reverse = await engine.exec(one.id, `nslookup ${two.address}`);
  assert.match(reverse.stdout, new RegExp(`name = ${two.name}\\.${net}`));
  assert.deepEqual(
    (await engine.inspect(two.id)).NetworkSettings.Networks[net]?.DNSNames?.toSorted(),
    [two.name, 'alias-of-two', two.id.slice(0, 12), 'host-of-two'].sort(),
  );
});

test('resolv.conf of a user network names 127.0.0.11', async () => {
  const { id } = await member(await network());
  const { stdout } = await engine.exec(id, 'grep -v "^#" /etc/resolv.conf');
  assert.match(stdout, /^nameserver 127\.0\.0\.11$/m);
  assert.match(stdout, /^options .*ndots:0$/m);
});

test('a name that several containers share resolves to all of them', async () => {
  const net = await network();
  const shared = { NetworkingConfig: { EndpointsConfig: { [net]: { Aliases: ['shared'] } } } };
  const members = [await member(net, shared), await member(net, shared)];
  const { stdout } = await engine.exec((await member(net)).id, 'nslookup shared');
  for (const { address } of members) assert.match(stdout, new RegExp(`Address: ${address}$`, 'm'));
});

test('a stopped container’s name is gone; a renamed one has its new name', async () => {
  const net = await network();
  const [asking, other] = [await member(net), await member(net)];
  const renamed = engine.unique('renamed');
  await engine.expect(204, 'POST', `/containers/${other.id}/rename?name=${renamed}`);
  assert.equal((await engine.exec(asking.id, `nslookup ${renamed}`)).exitCode, 0);
  await engine.expect(204, 'POST', `/containers/${other.id}/stop?t=0`);
  assert.notEqual((await engine.exec(asking.id, `nslookup ${renamed}`)).exitCode, 0);
});

test('a container may have port 53 for itself', async () => {
  const net = await network();
  const other = await member(net);
  const { id } = await member(net, { Cmd: 'nc -lk -p 53 -e echo own 2>/dev/null || exec nc -ll -p 53 -e echo own' });
  assert.match((await engine.exec(id, `nslookup ${other.name}`)).stdout, new RegExp(`Address: ${other.address}`));
  const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do nc -w 2 127.0.0.1 53 </dev/null && break; sleep 0.1; done';
  assert.match((await engine.exec(id, script)).stdout, /^own$/m);
});

test('networks are isolated from each other', async () => {
  const [one, two] = [await member(await network()), await member(await network())];
  const third = await member('bridge');
  assert.notEqual(await ping(one.id, two.address), 0);
  assert.notEqual(await ping(one.id, third.address), 0);
  assert.notEqual(await ping(third.id, one.address), 0);
  assert.notEqual((await engine.exec(one.id, `nslookup ${two.name}`)).exitCode, 0);
});

test('what leaves a bridge for another machine has the host’s address', async () => {
  await using outside = await startOutsideHost(engine);
  const { id } = await member(await network());
  assert.equal(await ping(id, outside.address), 0);
});

test('another machine reaches published ports, and nothing else', async () => {
  await using outside = await startOutsideHost(engine);
  const { id, address } = await member('bridge', {
    Cmd: 'mkdir /www; echo outside > /www/index.html; exec httpd -f -p 80 -h /www',
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '' }] } },
  });
  const port = (await engine.inspect(id)).NetworkSettings.Ports?.['80/tcp']?.[0]?.HostPort;
  const fetched = await outside.run(
    'sh',
    '-c',
    `for i in 1 2 3 4 5; do curl -s -m 2 http://${HOST_ADDRESS}:${port}/ && break; sleep 0.1; done`,
  );
  assert.equal(fetched.stdout, 'outside\n');
  await outside.run('ip', 'route', 'add', address, 'via', HOST_ADDRESS);
  assert.notEqual((await outside.run('curl', '-s', '-m', '1', `http://${address}/`)).status, 0);
});

test('an internal network has no way out', async () => {
  const net = await network({ Internal: true });
  const [one, two] = [await member(net), await member(net)];
  assert.equal(await ping(one.id, two.address), 0);
  assert.doesNotMatch((await engine.exec(one.id, 'ip route')).stdout, /^default/m);
});

test('subnet, gateway and a fixed address are as asked for', async () => {
  const subnet = `10.${Math.floor(Math.random() * 200) + 20}.${Math.floor(Math.random() * 250)}`;
  const net = await network({
    IPAM: { Config: [{ Subnet: `${subnet}.0/24`, Gateway: `${subnet}.254`, IPRange: `${subnet}.128/25` }] },
  });
  const fixed = await member(net, {
    NetworkingConfig: {
      EndpointsConfig: { [net]: { IPAMConfig: { IPv4Address: `${subnet}.77` }, MacAddress: '02:42:ac:00:00:77' } },
    },
  });
  assert.equal(fixed.address, `${subnet}.77`);
  const { stdout } = await engine.exec(fixed.id, 'ip route; cat /sys/class/net/eth0/address');
  assert.match(stdout, new RegExp(`^default via ${subnet.replaceAll('.', '\\.')}\\.254 dev eth0`));
  assert.match(stdout, /^02:42:ac:00:00:77$/m);
  const { address } = await member(net);
  assert.ok(Number(address.split('.')[3]) >= 128, address);
  const taken = await engine.create({
    HostConfig: { NetworkMode: net },
    NetworkingConfig: { EndpointsConfig: { [net]: { IPAMConfig: { IPv4Address: `${subnet}.77` } } } },
  });
  const answer = await engine.http('POST', `/containers/${taken}/start`);
  assert.deepEqual(
    [answer.status, answer.message],
    [403, 'failed to set up container networking: Address already in use'],
  );
});

test('host: the engine’s network; none: loopback only; container: another’s', async () => {
  const links = 'ip -o link | cut -d: -f2 | cut -d@ -f1';
  const host = await engine.run({ Cmd: links, HostConfig: { NetworkMode: 'host' } });
  assert.match(host.stdout, /^ host0$/m);
  const none = await engine.run({ Cmd: `${links}; ip -4 -o address`, HostConfig: { NetworkMode: 'none' } });
  assert.match(none.stdout, /^ lo\n1: lo +inet 127\.0\.0\.1\/8 .*\n$/);
  const other = await member('bridge');
  const joined = await engine.run({
    Cmd: 'ip -4 -o address; hostname',
    HostConfig: { NetworkMode: `container:${other.name}` },
  });
  assert.match(joined.stdout, new RegExp(`inet ${other.address}/`));
  assert.match(joined.stdout, new RegExp(`^${other.id.slice(0, 12)}$`, 'm'));
});
