import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { inOwnNamespaces } from '../../test/harness/own-namespaces.ts';
import type { Sandbox } from './index.ts';
import {
  addressOf,
  busybox,
  Fixture,
  idOf,
  inside,
  problems,
  read,
  run,
  serve,
  serveUdp,
  tcpPort,
  useBridgeNetfilter,
} from './networks.fixture.ts';

if (inOwnNamespaces(import.meta.url)) {
  for (const bridgeNetfilter of ['0', '1'])
    describe(`networks, bridge-nf-call-iptables ${bridgeNetfilter}`, () => {
      let fixture: Fixture;
      before(async () => {
        await run('mkdir', ['-p', '/run/gantry']);
        await useBridgeNetfilter(bridgeNetfilter);
        fixture = await Fixture.start();
      });
      afterEach(() => fixture.leave('a', 'b', 'c', 'd', 'e'));
      after(() => fixture.stop());

      test('the predefined networks are there', () => {
        assert.deepEqual(
          fixture.networks.list().map(({ name, driver }) => [name, driver]),
          [
            ['none', 'null'],
            ['host', 'host'],
            ['bridge', 'bridge'],
          ],
        );
        assert.equal(fixture.networks.get('bridge').bridge?.subnet, '172.17.0.0/16');
      });

      test('containers reach each other and the gateway; ports are published everywhere', async () => {
        const a = await fixture.join('a', 'bridge', { ports: [tcpPort(8080)] });
        const b = await fixture.join('b', 'bridge');
        await using _server = await serve(a, 80, 'hello');
        assert.equal(addressOf(a), '172.17.0.2');
        assert.equal(addressOf(b), '172.17.0.3');
        assert.equal(await read(b, '172.17.0.2', 80), 'hello');
        assert.equal(await read(undefined, '172.17.0.2', 80), 'hello');
        assert.equal(await read(undefined, '127.0.0.1', 8080), 'hello');
        assert.equal(await read(undefined, '172.17.0.1', 8080), 'hello');
        assert.equal(await read(b, '172.17.0.1', 8080), 'hello', 'a neighbour through the published port');
        assert.equal(await read(a, '172.17.0.1', 8080), 'hello', 'the container itself through the published port');
        assert.deepEqual(a.ports, [{ protocol: 'tcp', containerPort: 80, hostIp: '0.0.0.0', hostPort: 8080 }]);
        await fixture.leave('a', 'b');
      });

      test('networks are apart, but for published ports', async () => {
        await fixture.networks.create({ name: 'one' });
        await fixture.networks.create({ name: 'two' });
        const a = await fixture.join('a', 'one', { ports: [tcpPort(8080)] });
        const b = await fixture.join('b', 'two');
        await using _server = await serve(a, 80, 'hello');
        await using _other = await serve(a, 81, 'secret');
        assert.equal(await read(b, addressOf(a), 80), undefined);
        assert.equal(await read(b, addressOf(a), 81), undefined);
        assert.equal(await read(b, fixture.networks.get('two').bridge?.gateway ?? '', 8080), 'hello');
        await fixture.leave('a', 'b');
        await fixture.networks.remove('one');
        await fixture.networks.remove('two');
      });

      test('from outside only published ports are reached, and never the loopback', async () => {
        const a = await fixture.join('a', 'bridge', { ports: [tcpPort(8080), tcpPort(8081, 81, '127.0.0.1')] });
        await using _server = await serve(a, 80, 'hello');
        await using _other = await serve(a, 81, 'local');
        await run('sh', [
          '-c',
          `ip netns add outside && ip link add up0 type veth peer name eth0 netns outside &&
         ip addr add 10.0.0.1/24 dev up0 && ip link set up0 up && ip netns exec outside ip addr add 10.0.0.2/24 dev eth0 &&
         ip netns exec outside ip link set eth0 up && ip netns exec outside ip route add default via 10.0.0.1 &&
         sysctl -qw net.ipv4.conf.up0.route_localnet=1 && ip netns exec outside sysctl -qw net.ipv4.conf.all.route_localnet=1 &&
         ip netns exec outside ip route add 127.0.0.1 via 10.0.0.1 dev eth0 table 100 &&
         ip netns exec outside ip rule add pref 2 lookup local && ip netns exec outside ip rule del pref 0 &&
         ip netns exec outside ip rule add pref 1 to 127.0.0.1 lookup 100`,
        ]);
        const outside = { path: '/run/netns/outside' } as Sandbox;
        assert.equal(await read(outside, '10.0.0.1', 8080), 'hello');
        assert.equal(await read(outside, '10.0.0.1', 8081), undefined);
        assert.equal(await read(outside, addressOf(a), 80), undefined, 'its own address');
        assert.equal(await read(undefined, '127.0.0.1', 8081), 'local');
        assert.equal(await read(outside, '127.0.0.1', 8081), undefined);
        await using server = await serve(outside, 90, 'world');
        assert.ok(server);
        assert.equal(await read(a, '10.0.0.2', 90), 'world', 'masqueraded to the world');
        await fixture.leave('a');
        await run('ip', ['link', 'del', 'up0']);
        await run('ip', ['netns', 'del', 'outside']);
      });

      test('an internal network reaches nobody', async () => {
        await fixture.networks.create({ name: 'inner', internal: true });
        const a = await fixture.join('a', 'inner', { ports: [tcpPort(8080)] });
        const b = await fixture.join('b', 'inner');
        await using _server = await serve(a, 80, 'hello');
        assert.equal(await read(b, addressOf(a), 80), 'hello');
        assert.equal(await read(undefined, '127.0.0.1', 8080), undefined);
        assert.deepEqual(a.ports, []);
        assert.equal(a.endpoints[0]?.gateway, '');
        await fixture.leave('a', 'b');
        await fixture.networks.remove('inner');
      });

      test('names are found on user-defined networks while the container owns port 53', async () => {
        await fixture.networks.create({ name: 'named' });
        const a = await fixture.join('a', 'named', { endpoints: [{ network: 'named', aliases: ['web'] }] });
        const b = await fixture.join('b', 'named');
        await using _server = await serve(b, 53, 'mine');
        assert.match(await busybox(b, 'nslookup', 'a', '127.0.0.11'), new RegExp(`Address: ${addressOf(a)}`));
        assert.match(await busybox(b, 'nslookup', 'WEB', '127.0.0.11'), new RegExp(`Address: ${addressOf(a)}`));
        assert.match(await busybox(b, 'nslookup', 'a.named', '127.0.0.11'), new RegExp(`Address: ${addressOf(a)}`));
        assert.match(await busybox(b, 'nslookup', addressOf(a), '127.0.0.11'), /name = a\.named/);
        await assert.rejects(busybox(b, 'nslookup', 'nobody', '127.0.0.11'), { stdout: /SERVFAIL/ });
        assert.equal(await read(b, '127.0.0.1', 53), 'mine');
        await fixture.networks.renameContainer(idOf('a'), 'renamed');
        assert.match(await busybox(b, 'nslookup', 'renamed', '127.0.0.11'), new RegExp(`Address: ${addressOf(a)}`));
        await fixture.leave('a', 'b');
        await fixture.networks.remove('named');
      });

      test("other names are asked of the host's servers, or of the container's own", async () => {
        const answerWith = async (address: string, data: string) => {
          const socket = createSocket('udp4');
          socket.on('message', (message, from) => {
            const { id, questions } = decode(message);
            const name = questions?.[0]?.name ?? '';
            const answers = questions?.[0]?.type === 'A' ? [{ type: 'A' as const, name, data }] : [];
            socket.send(encode({ type: 'response', id, questions, answers }), from.port, from.address);
          });
          socket.bind(53, address);
          await once(socket, 'listening');
          return socket;
        };
        const servers = [await answerWith('127.0.0.53', '1.1.1.1'), await answerWith('127.0.0.54', '2.2.2.2')];
        await writeFile(join(fixture.folder, 'resolv.conf'), 'nameserver 127.0.0.53\n');
        await fixture.networks.create({ name: 'named' });
        const a = await fixture.join('a', 'named');
        const b = await fixture.join('b', 'named', { dnsServers: ['127.0.0.54'] });
        assert.match(await busybox(a, 'nslookup', 'example.org', '127.0.0.11'), /Address: 1\.1\.1\.1/);
        assert.match(await busybox(b, 'nslookup', 'example.org', '127.0.0.11'), /Address: 2\.2\.2\.2/);
        for (const socket of servers) socket.close();
        await fixture.leave('a', 'b');
        await fixture.networks.remove('named');
      });

      test('a UDP port leads to whoever has it now, for clients that go on sending', async () => {
        const client = createSocket('udp4');
        const ask = async () => {
          client.send('ping', 8053, '127.0.0.1');
          const [answer] = await once(client, 'message', { signal: AbortSignal.timeout(1000) });
          return String(answer);
        };
        const udpPort = { protocol: 'udp', hostIp: '', hostPort: 8053, containerPort: 53 } as const;
        for (const name of ['a', 'b', 'c']) {
          const sandbox = await fixture.join(name, 'bridge', { ports: [udpPort] });
          await using _server = await serveUdp(sandbox, 53, name);
          assert.equal(await ask(), name);
          await fixture.leave(name);
          // Keeps the address, so that the next container has another.
          await fixture.join(name, 'bridge');
        }
        client.close();
      });

      test('without inter-container communication neighbours are out of reach, but for published ports', async () => {
        await fixture.networks.create({ name: 'shy', options: { 'com.docker.network.bridge.enable_icc': 'false' } });
        const a = await fixture.join('a', 'shy', { ports: [tcpPort(8080)] });
        const b = await fixture.join('b', 'shy');
        await using _server = await serve(a, 80, 'hello');
        assert.equal(await read(b, addressOf(a), 80), undefined);
        assert.equal(await read(b, a.endpoints[0]?.gateway ?? '', 8080), 'hello');
        assert.equal(await read(undefined, addressOf(a), 80), 'hello');
        await fixture.leave('a', 'b');
        await fixture.networks.remove('shy');
      });

      test('host and none', async () => {
        const a = await fixture.join('a', 'host', { ports: [tcpPort(8080)] });
        const b = await fixture.join('b', 'none');
        assert.deepEqual([a.path, a.ports, b.ports], [undefined, [], []]);
        assert.deepEqual(
          fixture.networks.get('host').members.map(({ name, ipv4Address }) => [name, ipv4Address]),
          [['a', '']],
        );
        assert.equal((await inside(b, 'ip', '-o', 'link')).trim().split('\n').length, 1);
        await assert.rejects(fixture.networks.connect(idOf('a'), { network: 'bridge' }), /sharing network namespace/);
        await assert.rejects(fixture.networks.connect(idOf('b'), { network: 'bridge' }), /private \(none\) mode/);
      });

      test('connect and disconnect while running move route and ports', async () => {
        await fixture.networks.create({ name: 'alpha', ipam: { config: [{ subnet: '10.88.0.0/24' }] } });
        const a = await fixture.join('a', 'bridge', { ports: [tcpPort(8080)] });
        await using _server = await serve(a, 80, 'hello');
        const endpoint = await fixture.networks.connect(idOf('a'), { network: 'alpha', address: '10.88.0.9' });
        assert.equal(endpoint.interfaceName, 'eth1');
        assert.equal(endpoint.address, '10.88.0.9');
        assert.match(await inside(a, 'ip', 'route'), /default via 10\.88\.0\.1 dev eth1/);
        assert.equal(await read(undefined, '127.0.0.1', 8080), 'hello');
        assert.equal(fixture.networks.get('alpha').members[0]?.ipv4Address, '10.88.0.9/24');
        await assert.rejects(fixture.networks.remove('alpha'), {
          message: `error while removing network: network alpha has active endpoints (name:"a" id:"${endpoint.endpointId.slice(0, 12)}")`,
        });
        await assert.rejects(fixture.networks.connect(idOf('a'), { network: 'alpha' }), {
          message: 'endpoint with name a already exists in network alpha',
        });
        await fixture.networks.disconnect(idOf('a'), 'alpha');
        assert.match(await inside(a, 'ip', 'route'), /default via 172\.17\.0\.1 dev eth0/);
        assert.equal(await read(undefined, '127.0.0.1', 8080), 'hello');
        await assert.rejects(fixture.networks.disconnect(idOf('a'), 'alpha'), {
          message: `container ${idOf('a')} is not connected to network alpha`,
        });
        await fixture.leave('a');
        await fixture.networks.remove('alpha');
      });

      test('ports in use are refused with the texts of dockerd, and nothing is left', async () => {
        await fixture.join('a', 'bridge', { ports: [tcpPort(8080)] });
        await assert.rejects(fixture.join('b', 'bridge', { ports: [tcpPort(8080, 81)] }), {
          message:
            /^driver failed programming external connectivity on endpoint b \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/,
        });
        const server = createServer().listen(8081);
        await once(server, 'listening');
        await assert.rejects(fixture.join('b', 'bridge', { ports: [tcpPort(8081)] }), {
          message: /: failed to bind host port for 0\.0\.0\.0:8081:172\.17\.0\.3:80\/tcp: address already in use$/,
        });
        const c = await fixture.join('c', 'bridge', {
          ports: [{ ...tcpPort(8080), hostPortEnd: 8083 }, tcpPort(0, 90)],
        });
        assert.deepEqual(
          c.ports.map(({ hostPort }) => hostPort),
          [8082, 32768],
        );
        server.close();
        await fixture.leave('a', 'c');
        await fixture.networks.settled();
        assert.deepEqual(await readdir('/run/gantry/netns'), []);
        assert.deepEqual(await readdir('/run/gantry/sandboxes'), []);
        assert.doesNotMatch(await inside(undefined, 'sh', '-c', 'ip link'), /veth/);
      });

      test('a new engine adopts what runs and removes what does not', async () => {
        await fixture.networks.create({ name: 'kept' });
        const a = await fixture.join('a', 'kept', { ports: [tcpPort(8080)] });
        const b = await fixture.join('b', 'kept');
        await fixture.join('gone', 'kept', { ports: [tcpPort(8090)] });
        await using _server = await serve(a, 80, 'hello');
        const adopted = await fixture.restart([idOf('a'), idOf('b')]);
        assert.deepEqual([...adopted.keys()].sort(), [idOf('a'), idOf('b')].sort());
        assert.equal(await read(undefined, '127.0.0.1', 8080), 'hello');
        assert.match(await busybox(b, 'nslookup', 'a', '127.0.0.11'), new RegExp(`Address: ${addressOf(a)}`));
        await assert.rejects(busybox(b, 'nslookup', 'gone', '127.0.0.11'));
        assert.equal((await readdir('/run/gantry/netns')).length, 2);
        assert.equal(addressOf(await fixture.join('c', 'kept')), addressOf(a).replace(/2$/, '4'));
        await assert.rejects(fixture.join('d', 'kept', { ports: [tcpPort(8080)] }), /port is already allocated/);
        await fixture.join('e', 'kept', { ports: [tcpPort(8090)] });
        await fixture.leave('a', 'b', 'c', 'e');
        await fixture.networks.remove('kept');
        assert.doesNotMatch(await inside(undefined, 'sh', '-c', 'ip link'), /br-/);
      });

      test('rules flushed from outside come back', async () => {
        const a = await fixture.join('a', 'bridge', { ports: [tcpPort(8080)] });
        await using _server = await serve(a, 80, 'hello');
        await run('nft', ['delete', 'table', 'ip', 'gantry']);
        await fixture.join('b', 'bridge', { ports: [tcpPort(8090)] });
        assert.equal(await read(undefined, '127.0.0.1', 8080), 'hello');
        assert.equal(problems.splice(0).length, 1);
        await fixture.leave('a', 'b');
      });

      test('what it costs', async () => {
        const rounds = 30;
        let joining = 0;
        let leaving = 0;
        for (let round = 0; round < rounds; round += 1) {
          const start = performance.now();
          await fixture.join('a', 'bridge', { ports: [tcpPort(8080)] });
          const joined = performance.now();
          await fixture.leave('a');
          joining += joined - start;
          leaving += performance.now() - joined;
          await fixture.networks.settled();
        }
        console.log(`join ${(joining / rounds).toFixed(2)} ms, leave ${(leaving / rounds).toFixed(2)} ms`);
      });

      test('nothing went wrong on the side', () => assert.deepEqual(problems, []));
    });
}
