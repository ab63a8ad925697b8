import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDnsServer, parseExtraHost, parseSearchDomain } from './addresses.ts';
import { filterQuery } from './filters.ts';
import { parseMount, parseTmpfs, parseVolumes } from './mounts.ts';
import { parseNetwork, planNetworks } from './networks.ts';
import { parseBytes, parseCpus, parseDuration, parseUnsigned } from './numbers.ts';
import { planPools } from './pools.ts';
import { parseExpose, parsePublish } from './ports.ts';
import { fullName, parseReference, pullQuery, withDefaultTag } from './reference.ts';
import { parseDevice, parseGpus, parseRateInBytes, parseRestartPolicy, parseUlimit } from './resources.ts';
import { toTimestamp } from './timestamp.ts';

const message = (expected: string) => (error: unknown) => error instanceof Error && error.message === expected;
const NO_FLAGS = { aliases: [], links: [], linkLocalIps: [], ipv4: '', ipv6: '', macAddress: '' };

test('published ports', () => {
  assert.deepEqual(parsePublish(['127.0.0.1:8080:80', '53/udp', '[::1]:90-91:90-91']).bindings, {
    '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }],
    '53/udp': [{ HostIp: '', HostPort: '' }],
    '90/tcp': [{ HostIp: '::1', HostPort: '90' }],
    '91/tcp': [{ HostIp: '::1', HostPort: '91' }],
  });
  assert.deepEqual(parsePublish(['8000-8010:80']).bindings, { '80/tcp': [{ HostIp: '', HostPort: '8000-8010' }] });
  assert.deepEqual(parsePublish(['target=80,published=8080,protocol=udp']).bindings, {
    '80/udp': [{ HostIp: '', HostPort: '8080' }],
  });
  assert.throws(() => parsePublish(['99999999:1']), message('invalid hostPort: 99999999'));
  assert.throws(() => parsePublish(['80:abc']), message('invalid containerPort: abc'));
  assert.throws(() => parsePublish(['1.2.3:80:80']), message('invalid IP address: 1.2.3'));
  assert.throws(() => parsePublish(['80:80/foo']), message('invalid proto: foo'));
  assert.throws(
    () => parsePublish(['1-3:1-2']),
    message('invalid ranges specified for container and host Ports: 1-2 and 1-3'),
  );
});

test('exposed ports', () => {
  assert.deepEqual(Object.keys(parseExpose(['80-82', '53/udp'])), ['80/tcp', '81/tcp', '82/tcp', '53/udp']);
  assert.throws(() => parseExpose(['80:80']), message('invalid port format for --expose: 80:80'));
});

test('mounts', () => {
  assert.deepEqual(parseMount('type=bind,src=/a,dst=/b,ro,bind-propagation=rslave'), {
    Type: 'bind',
    Source: '/a',
    Target: '/b',
    ReadOnly: true,
    Consistency: undefined,
    BindOptions: { Propagation: 'rslave' },
    VolumeOptions: undefined,
    ImageOptions: undefined,
    TmpfsOptions: undefined,
  });
  assert.deepEqual(parseMount('target=/b,"volume-opt=a=b,c",volume-opt=d=e').VolumeOptions, {
    DriverConfig: { Options: { a: 'b,c', d: 'e' } },
  });
  assert.deepEqual(parseMount('type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777').TmpfsOptions, {
    SizeBytes: 1048576,
    Mode: 0o1777,
  });
  assert.throws(() => parseMount('type=bind,src=x'), message('target is required'));
  assert.throws(() => parseMount('foo'), message("invalid field 'foo' must be a key=value pair"));
  assert.throws(() => parseMount('type=bind,dst=/x,foo=bar'), message("unexpected key 'foo' in 'foo=bar'"));
  assert.throws(
    () => parseMount('type=bind,dst=/x,volume-nocopy'),
    message("cannot mix 'volume-*' options with mount type 'bind'"),
  );
});

test('volumes and tmpfs', () => {
  const { binds, anonymous } = parseVolumes(['/a:/b:ro', 'name:/c', '/data', './x:/y']);
  assert.deepEqual(binds, ['/a:/b:ro', 'name:/c', `${process.cwd()}/x:/y`]);
  assert.deepEqual(anonymous, { '/data': {} });
  assert.deepEqual(parseTmpfs(['/run', '/tmp:size=1m,mode=1777']), { '/run': '', '/tmp': 'size=1m,mode=1777' });
});

test('sizes, CPUs and durations', () => {
  assert.deepEqual(
    ['512m', '1.5GiB', '10', '1kb', '2 k', '1B'].map(parseBytes),
    [536870912, 1610612736, 10, 1024, 2048, 1],
  );
  assert.throws(() => parseBytes('abc'), message("invalid size: 'abc'"));
  assert.throws(() => parseBytes('-1'), message("invalid size: '-1'"));
  assert.deepEqual(['1.5', '1/2', '0.001'].map(parseCpus), [1500000000, 500000000, 1000000]);
  assert.throws(() => parseCpus('x'), message('failed to parse x as a rational number'));
  assert.deepEqual(['1h30m', '1.5s', '0', '-2ms'].map(parseDuration), [5400e9, 1.5e9, 0, -2e6]);
  assert.throws(() => parseDuration('5'), message('time: missing unit in duration "5"'));
  assert.throws(() => parseDuration('5x'), message('time: unknown unit "x" in duration "5x"'));
  assert.throws(() => parseUnsigned('70000', 16), message('strconv.ParseUint: parsing "70000": value out of range'));
});

test('hosts and DNS', () => {
  assert.equal(parseExtraHost('a=1.2.3.4'), 'a:1.2.3.4');
  assert.equal(parseExtraHost('a:[::1]'), 'a:::1');
  assert.equal(parseExtraHost('a:host-gateway'), 'a:host-gateway');
  assert.throws(() => parseExtraHost('x'), message('bad format for add-host: "x"'));
  assert.throws(() => parseDnsServer('x'), message('IP address is not correctly formatted: x'));
  assert.equal(parseSearchDomain('example.com'), 'example.com');
  assert.throws(() => parseSearchDomain('a b'), message('a b is not a valid domain'));
});

test('resources', () => {
  assert.deepEqual(parseUlimit('nofile=1:2'), { Name: 'nofile', Soft: 1, Hard: 2 });
  assert.throws(
    () => parseUlimit('nofile=5:3'),
    message('ulimit soft limit must be less than or equal to hard limit: 5 > 3'),
  );
  assert.deepEqual(parseRateInBytes('/dev/sda:1mb'), { Path: '/dev/sda', Rate: 1048576 });
  assert.deepEqual(parseDevice('/dev/a:rw'), {
    PathOnHost: '/dev/a',
    PathInContainer: '/dev/a',
    CgroupPermissions: 'rw',
  });
  assert.deepEqual(parseDevice('/dev/a:/dev/b'), {
    PathOnHost: '/dev/a',
    PathInContainer: '/dev/b',
    CgroupPermissions: 'rwm',
  });
  assert.deepEqual(parseRestartPolicy('on-failure:3'), { Name: 'on-failure', MaximumRetryCount: 3 });
  assert.equal(parseGpus('all').Count, -1);
  assert.deepEqual(parseGpus('"device=0,1",capabilities=utility').DeviceIDs, ['0', '1']);
});

test('networks', () => {
  const plan = planNetworks([parseNetwork('name=a,alias=x,ip=10.0.0.2,gw-priority=5'), parseNetwork('b')], {
    ...NO_FLAGS,
    macAddress: '02:00:00:00:00:01',
  });
  assert.equal(plan.mode, 'a');
  assert.deepEqual(plan.endpoints, {
    a: { Aliases: ['x'], IPAMConfig: { IPv4Address: '10.0.0.2' }, MacAddress: '02:00:00:00:00:01', GwPriority: 5 },
    b: {},
  });
  assert.deepEqual(planNetworks([], NO_FLAGS), { mode: 'default', endpoints: { default: {} } });
  assert.throws(
    () => planNetworks([], { ...NO_FLAGS, aliases: ['a'] }),
    message('network-scoped aliases are only supported for user-defined networks'),
  );
  assert.throws(
    () => planNetworks([parseNetwork('a'), parseNetwork('host')], NO_FLAGS),
    message('conflicting options: cannot attach both user-defined and non-user-defined network-modes'),
  );
});

test('address pools', () => {
  assert.deepEqual(planPools(['10.1.0.0/16', '10.2.0.0/16'], ['10.2.1.0/24'], ['10.1.0.7'], { a: '10.2.0.9' }), [
    { Subnet: '10.1.0.0/16', Gateway: '10.1.0.7' },
    { Subnet: '10.2.0.0/16', IPRange: '10.2.1.0/24', AuxiliaryAddresses: { a: '10.2.0.9' } },
  ]);
  assert.throws(
    () => planPools(['10.1.0.0/16'], [], ['10.2.0.1'], {}),
    message('no matching subnet for gateway 10.2.0.1'),
  );
});

test('references', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  assert.deepEqual(parseReference(`localhost:5000/a/b:1@${digest}`), { name: 'localhost:5000/a/b', tag: '1', digest });
  assert.equal(withDefaultTag('busybox'), 'busybox:latest');
  assert.equal(withDefaultTag('host:5000/x'), 'host:5000/x:latest');
  assert.deepEqual(pullQuery('busybox'), { fromImage: 'docker.io/library/busybox', tag: 'latest' });
  assert.equal(fullName('me/x'), 'docker.io/me/x');
  assert.throws(() => parseReference('a b'), message('invalid reference format'));
  assert.throws(
    () => parseReference('UP'),
    message('invalid reference format: repository name (library/UP) must be lowercase'),
  );
});

test('filters and times', () => {
  assert.equal(
    filterQuery([
      ['label', 'a'],
      ['label', 'b=c'],
    ]),
    '{"label":{"a":true,"b=c":true}}',
  );
  assert.equal(filterQuery([]), undefined);
  assert.equal(toTimestamp('10s', 100_000), '90');
  assert.equal(toTimestamp('2026-01-02T03:04:05.5Z', 0), '1767323045.500000000');
  assert.equal(toTimestamp('123.45', 0), '123.45');
  assert.throws(() => toTimestamp('foo', 0), message('failed to parse value as time or duration: "foo"'));
});
