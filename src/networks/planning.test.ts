import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressAllocator, chooseSubnet, DEFAULT_ADDRESS_POOLS } from './address-pools.ts';
import { hostsFile, hostsFileOnHost } from './names/hosts.ts';
import { resolvConf } from './names/resolv-conf.ts';
import { parseDriver, planBridge } from './network-settings.ts';
import { PortTable } from './ports.ts';
import { contains, formatIpv4, formatPrefix, type Ipv4Prefix, overlaps, parseCidr, parseIpv4 } from './prefix.ts';

const prefix = (text: string): Ipv4Prefix => {
  const parsed = parseCidr(text);
  assert.ok(parsed);
  return parsed.prefix;
};
const ID = 'abcdef0123456789'.repeat(4);
const MTU = 1500;

describe('prefixes', () => {
  test('parse and format', () => {
    assert.equal(formatIpv4(parseIpv4('255.254.1.0') ?? 0), '255.254.1.0');
    for (const text of ['1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4.5', 'a', ''])
      assert.equal(parseIpv4(text), undefined);
    assert.equal(formatPrefix(prefix('192.168.5.7/20')), '192.168.0.0/20');
    assert.equal(formatPrefix(prefix('1.2.3.4/0')), '0.0.0.0/0');
    assert.equal(formatPrefix(prefix('1.2.3.4/32')), '1.2.3.4/32');
    for (const text of ['1.2.3.4/33', '1.2.3.4/', '1.2.3.4', '/8', '1.2.3.4/8/8'])
      assert.equal(parseCidr(text), undefined);
  });

  test('compare', () => {
    assert.ok(contains(prefix('172.16.0.0/12'), parseIpv4('172.31.255.255') ?? 0));
    assert.ok(!contains(prefix('172.16.0.0/12'), parseIpv4('172.32.0.0') ?? 0));
    assert.ok(overlaps(prefix('10.0.0.0/8'), prefix('10.1.0.0/16')));
    assert.ok(overlaps(prefix('10.1.0.0/16'), prefix('0.0.0.0/0')));
    assert.ok(!overlaps(prefix('10.1.0.0/16'), prefix('10.2.0.0/16')));
  });
});

describe('address pools', () => {
  test('give subnets in the order of dockerd', () => {
    const taken: Ipv4Prefix[] = [];
    const given = Array.from({ length: 16 }, () => {
      const subnet = chooseSubnet(DEFAULT_ADDRESS_POOLS, taken);
      taken.push(subnet);
      return formatPrefix(subnet);
    });
    assert.deepEqual(given.slice(0, 4), ['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/16']);
    assert.deepEqual(given.slice(14), ['172.31.0.0/16', '192.168.0.0/20']);
  });

  test('pass over what is taken, and end', () => {
    assert.equal(formatPrefix(chooseSubnet(DEFAULT_ADDRESS_POOLS, [prefix('172.0.0.0/8')])), '192.168.0.0/20');
    assert.throws(() => chooseSubnet(DEFAULT_ADDRESS_POOLS, [prefix('172.0.0.0/8'), prefix('192.168.0.0/16')]), {
      message: 'all predefined address pools have been fully subnetted',
    });
    assert.equal(
      formatPrefix(chooseSubnet([{ base: '10.0.0.0/8', size: 24 }], [prefix('10.0.0.0/23')])),
      '10.0.2.0/24',
    );
  });

  test('allocators give the lowest free address of the range', () => {
    const allocator = new AddressAllocator(prefix('10.0.0.0/29'));
    const given = [1, 2, 3, 4, 5, 6].map(() => formatIpv4(allocator.takeAny()).slice('10.0.0.'.length));
    assert.deepEqual(given, ['1', '2', '3', '4', '5', '6']);
    assert.throws(() => allocator.takeAny(), /no available IPv4 addresses/);
    allocator.release(parseIpv4('10.0.0.3') ?? 0);
    assert.equal(formatIpv4(allocator.takeAny()), '10.0.0.3');
    assert.throws(() => allocator.take(parseIpv4('10.0.0.3') ?? 0), { message: 'Address already in use' });
    const ranged = new AddressAllocator(prefix('10.5.0.0/16'), prefix('10.5.2.0/24'));
    assert.equal(formatIpv4(ranged.takeAny()), '10.5.2.0');
  });
});

describe('network settings', () => {
  const plan = (config: { subnet?: string; ipRange?: string; gateway?: string }, options = {}) =>
    planBridge(ID, { name: 'n', ipam: { config: [config] }, options }, MTU);

  test('refuse with the texts of dockerd', () => {
    const refused: [() => unknown, string][] = [
      [() => parseDriver({ name: '' }), 'invalid name: name is empty'],
      [() => parseDriver({ name: 'bridge' }), 'operation is not permitted on predefined bridge network '],
      [() => parseDriver({ name: 'n', driver: 'foo' }), 'plugin "foo" not found'],
      [() => parseDriver({ name: 'n', driver: 'host' }), 'only one instance of "host" network is allowed'],
      [
        () => plan({ subnet: '10.1.0.0/33' }),
        'invalid network config:\ninvalid subnet 10.1.0.0/33: invalid CIDR block notation',
      ],
      [
        () => plan({ subnet: '10.9.0.7/24' }),
        'invalid network config:\ninvalid subnet 10.9.0.7/24: it should be 10.9.0.0/24',
      ],
      [
        () => plan({ subnet: '10.1.0.0/24', gateway: '10.2.0.1' }),
        "invalid network config:\ninvalid gateway 10.2.0.1: parent subnet 10.1.0.0/24 doesn't contain this address",
      ],
      [
        () => plan({ subnet: '10.1.0.0/24', ipRange: '10.2.0.0/24' }),
        "invalid network config:\ninvalid ip-range 10.2.0.0/24: parent subnet 10.1.0.0/24 doesn't contain ip-range",
      ],
      [
        () => planBridge(ID, { name: 'n', options: { 'com.docker.network.bridge.enable_icc': 'maybe' } }, MTU),
        'failed to parse com.docker.network.bridge.enable_icc value: maybe (strconv.ParseBool: parsing "maybe": invalid syntax)',
      ],
    ];
    for (const [act, message] of refused) assert.throws(act, { message });
  });

  test('refuse bridge names that could carry firewall syntax', () => {
    const name = (text: string) =>
      planBridge(ID, { name: 'n', options: { 'com.docker.network.bridge.name': text } }, MTU);
    for (const text of ['a"b', 'a b', 'a;b', '..', '', 'a/b', 'a*'])
      assert.throws(() => name(text), /invalid bridge name/);
    assert.equal(name('my-br.7').name, 'my-br.7');
  });

  test('have defaults', () => {
    assert.deepEqual(planBridge(ID, { name: 'n' }, MTU), {
      name: 'br-abcdef012345',
      subnet: undefined,
      ipRange: undefined,
      gateway: undefined,
      settings: { mtu: MTU, interContainer: true, masquerade: true, hostBinding: '0.0.0.0' },
    });
  });
});

describe('ports', () => {
  const request = (hostPort: number, more = {}) =>
    ({ protocol: 'tcp', containerPort: 80, hostIp: '0.0.0.0', hostPort, ...more }) as const;

  test('are taken once, on each address and on all', () => {
    const table = new PortTable({ first: 100, last: 101 });
    assert.equal(table.take(request(80)), 80);
    assert.equal(table.take(request(80, { protocol: 'udp' })), 80);
    const refused = { message: 'Bind for 0.0.0.0:80 failed: port is already allocated' };
    assert.throws(() => table.take(request(80, { hostIp: '127.0.0.1' })), refused);
    table.release(request(80), 80);
    assert.equal(table.take(request(80, { hostIp: '127.0.0.1' })), 80);
    assert.equal(table.take(request(80, { hostIp: '127.0.0.2' })), 80);
    assert.throws(() => table.take(request(80)), /Bind for 127\.0\.0\.[12]:80 failed/);
  });

  test('come from ranges', () => {
    const table = new PortTable({ first: 100, last: 101 });
    assert.deepEqual([table.take(request(0)), table.take(request(0))], [100, 101]);
    assert.throws(() => table.take(request(0)), { message: 'all ports are allocated' });
    assert.equal(table.take(request(80, { hostPortEnd: 82 }), new Set([80])), 81);
    assert.equal(table.take(request(80, { hostPortEnd: 82 })), 80);
  });
});

describe('files of containers', () => {
  const host = 'nameserver 127.0.0.53\nnameserver 9.9.9.9\nnameserver fd00::1\nsearch a b\noptions edns0\n';
  const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  test('resolv.conf', () => {
    const none = { dns: [], search: [], options: [] };
    assert.deepEqual(lines(resolvConf({ host, ...none, embedded: false })), [
      'nameserver 9.9.9.9',
      'search a b',
      'options edns0',
    ]);
    assert.deepEqual(lines(resolvConf({ host, ...none, embedded: true })), [
      'nameserver 127.0.0.11',
      'search a b',
      'options edns0 ndots:0',
    ]);
    assert.deepEqual(lines(resolvConf({ host: '', ...none, embedded: false })), [
      'nameserver 8.8.8.8',
      'nameserver 8.8.4.4',
    ]);
    const given = { dns: ['1.1.1.1'], search: ['.'], options: ['ndots:2'] };
    assert.deepEqual(lines(resolvConf({ host, ...given, embedded: false })), ['nameserver 1.1.1.1', 'options ndots:2']);
    assert.deepEqual(lines(resolvConf({ host, ...given, embedded: true })), [
      'nameserver 127.0.0.11',
      'options ndots:2',
    ]);
  });

  test('hosts', () => {
    const extra = { extraHosts: ['a:1.2.3.4', 'h:host-gateway', 'six:[::1]', 'eq=5.6.7.8'], hostGateway: '172.17.0.1' };
    const text = hostsFile({ hostname: 'web', domainName: 'example.org', addresses: ['172.17.0.2'], ...extra });
    assert.match(text, /^127\.0\.0\.1\tlocalhost\n/);
    assert.ok(text.endsWith('1.2.3.4\ta\n172.17.0.1\th\n::1\tsix\n5.6.7.8\teq\n172.17.0.2\tweb.example.org web\n'));
    assert.equal(hostsFileOnHost('x', extra).split('\n')[1], '1.2.3.4\ta');
  });
});
