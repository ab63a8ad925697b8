import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { inOwnNamespaces } from '../../test/harness/own-namespaces.ts';
import { Clock, type Log } from '../base/index.ts';
import { type Kernel, startKernel } from '../linux/index.ts';
import { type Networks, openNetworks, type Sandbox, type SandboxRequest } from './index.ts';

const run = promisify(execFile);

/** Long enough for any answer on one machine, short enough to notice that there is none. */
const NO_ANSWER_SECONDS = '1';

const problems: string[] = [];
const report = (details: unknown, message: unknown) => void problems.push(`${message} ${JSON.stringify(details)}`);
const log = { debug() {}, info() {}, warn: report, error: report, fatal: report } as unknown as Log;

class Fixture {
  readonly kernel: Kernel;
  readonly folder: string;
  networks: Networks;

  constructor(kernel: Kernel, folder: string, networks: Networks) {
    this.kernel = kernel;
    this.folder = folder;
    this.networks = networks;
  }

  static async start(): Promise<Fixture> {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-networks-'));
    const kernel = await startKernel();
    const fixture = new Fixture(kernel, folder, await Fixture.open(kernel, folder));
    await fixture.networks.recover(new Set());
    return fixture;
  }

  static open(kernel: Kernel, folder: string): Promise<Networks> {
    const clock = new Clock();
    return openNetworks({
      documents: join(folder, 'network'),
      runDirectory: '/run/gantry',
      kernel,
      log,
      timestamp: () => clock.timestamp(),
      bridgeName: 'gantry0',
      resolvConf: join(folder, 'resolv.conf'),
    });
  }

  /** Forgets everything that is only in memory, as a new engine would. */
  async restart(running: readonly string[]): Promise<ReadonlyMap<string, Sandbox>> {
    await this.networks[Symbol.asyncDispose]();
    this.networks = await Fixture.open(this.kernel, this.folder);
    return this.networks.recover(new Set(running));
  }

  async stop(): Promise<void> {
    await this.networks[Symbol.asyncDispose]();
    await this.kernel[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }

  join(name: string, network: string, more: Partial<SandboxRequest> = {}): Promise<Sandbox> {
    return this.networks.join({
      containerId: idOf(name),
      containerName: name,
      hostname: name,
      endpoints: [{ network }],
      ports: [],
      dnsServers: [],
      ...more,
    });
  }

  leave(...names: string[]): Promise<unknown> {
    return Promise.all(names.map((name) => this.networks.leave(idOf(name))));
  }
}

function idOf(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(64, '0');
}

function addressOf(sandbox: Sandbox): string {
  return sandbox.endpoints[0]?.address ?? '';
}

const tcpPort = (hostPort: number, containerPort = 80, hostIp = '') =>
  ({ protocol: 'tcp', hostIp, hostPort, containerPort }) as const;

/** Runs a command in a sandbox's namespace; in ours without one. */
async function inside(sandbox: Sandbox | undefined, ...command: string[]): Promise<string> {
  const { stdout } = await run(
    'nsenter',
    sandbox?.path === undefined ? command : [`--net=${sandbox.path}`, ...command],
  );
  return stdout;
}

const busybox = (sandbox: Sandbox | undefined, ...command: string[]) =>
  sandbox === undefined ? run('busybox', command).then(({ stdout }) => stdout) : inside(sandbox, 'busybox', ...command);

/** A server in a sandbox that answers each TCP connection with its text. */
async function serve(sandbox: Sandbox, port: number, text: string): Promise<AsyncDisposable> {
  const program = `
    const server = require('node:net').createServer((socket) => socket.end(process.argv[2]));
    server.listen(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'));`;
  const child = spawn(
    'nsenter',
    [`--net=${sandbox.path}`, process.execPath, '--eval', program, '--', String(port), text],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** What a TCP server says; undefined if it cannot be reached. */
async function read(sandbox: Sandbox | undefined, address: string, port: number): Promise<string | undefined> {
  return busybox(sandbox, 'nc', '-w', NO_ANSWER_SECONDS, address, String(port)).catch(() => undefined);
}

if (inOwnNamespaces(import.meta.url)) {
  describe('networks', () => {
    let fixture: Fixture;
    before(async () => {
      await run('mkdir', ['-p', '/run/gantry']);
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
      const { createServer } = await import('node:net');
      const server = createServer().listen(8081);
      await once(server, 'listening');
      await assert.rejects(fixture.join('b', 'bridge', { ports: [tcpPort(8081)] }), {
        message: /: failed to bind host port for 0\.0\.0\.0:8081:172\.17\.0\.3:80\/tcp: address already in use$/,
      });
      const c = await fixture.join('c', 'bridge', { ports: [{ ...tcpPort(8080), hostPortEnd: 8083 }, tcpPort(0, 90)] });
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
      assert.equal(addressOf(await fixture.join('c', 'kept')), '172.18.0.4');
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
