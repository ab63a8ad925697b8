import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('every field dockerd has, with its default', async () => {
  const id = await engine.create({ Cmd: ['true'] });
  const container = await engine.inspect(id);
  assert.deepEqual(Object.keys(container).sort(), [
    'AppArmorProfile',
    'Args',
    'Config',
    'Created',
    'Driver',
    'ExecIDs',
    'GraphDriver',
    'HostConfig',
    'HostnamePath',
    'HostsPath',
    'Id',
    'Image',
    'LogPath',
    'MountLabel',
    'Mounts',
    'Name',
    'NetworkSettings',
    'Path',
    'Platform',
    'ProcessLabel',
    'ResolvConfPath',
    'RestartCount',
    'State',
  ]);
  const { State, Config, HostConfig } = container;
  assert.deepEqual(State, {
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  });
  assert.deepEqual(Config, {
    Hostname: id.slice(0, 12),
    Domainname: '',
    User: '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: null,
    Cmd: ['true'],
    Image: 'busybox',
    Volumes: null,
    WorkingDir: '',
    Entrypoint: null,
    OnBuild: null,
    Labels: engine.labels,
  });
  assert.equal(container.Image, engine.images.busybox.id);
  assert.deepEqual(
    [container.Driver, container.Platform, container.RestartCount, container.ExecIDs, container.Mounts],
    ['overlay2', 'linux', 0, null, []],
  );
  const expected = {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: 'json-file', Config: {} },
    NetworkMode: 'none',
    PortBindings: null,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    Dns: null,
    DnsOptions: null,
    DnsSearch: null,
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    UsernsMode: '',
    ShmSize: 67_108_864,
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: null,
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    PidsLimit: null,
    Ulimits: null,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
  const actual = Object.fromEntries(Object.entries(HostConfig).filter(([key]) => key in expected));
  assert.deepEqual(actual, expected);
  assert.ok(['host', 'private'].includes(HostConfig.CgroupnsMode));
  assert.ok(HostConfig.MaskedPaths?.includes('/proc/kcore'));
  assert.ok(HostConfig.ReadonlyPaths?.includes('/proc/sys'));
});

test('overlay2’s directories are there to be used', async () => {
  const { GraphDriver } = await engine.inspect(await engine.create());
  assert.equal(GraphDriver.Name, 'overlay2');
  const { LowerDir = '', MergedDir = '', UpperDir = '', WorkDir = '' } = GraphDriver.Data;
  assert.match(UpperDir, /\/overlay2\/[0-9a-f]{64}\/diff$/);
  assert.match(MergedDir, /\/merged$/);
  assert.match(WorkDir, /\/work$/);
  assert.match(LowerDir, /\/overlay2\/[0-9a-f]{64}-init\/diff:/);
});

test('the addresses of a running container on the default bridge', async () => {
  const { NetworkSettings: settings } = await engine.inspect(
    await engine.start({ HostConfig: { NetworkMode: 'bridge' } }),
  );
  const endpoint = settings.Networks.bridge;
  assert.ok(endpoint);
  assert.match(endpoint.IPAddress, /^\d+\.\d+\.\d+\.\d+$/);
  assert.deepEqual(
    [settings.IPAddress, settings.Gateway, settings.MacAddress, settings.EndpointID],
    [endpoint.IPAddress, endpoint.Gateway, endpoint.MacAddress, endpoint.EndpointID],
  );
  assert.match(endpoint.NetworkID, /^[0-9a-f]{64}$/);
  assert.match(settings.SandboxID, /^[0-9a-f]{64}$/);
  assert.ok(endpoint.IPPrefixLen > 0);
});

test('size=1 adds sizes', async () => {
  const { id } = await engine.run({ Cmd: 'head -c 50000 /dev/zero > /file' });
  const sizes = (await engine.expect(200, 'GET', `/containers/${id}/json?size=1`)).json();
  assert.ok(Number(sizes.SizeRw) >= 50_000 && Number(sizes.SizeRw) < 60_000);
  assert.ok(Number(sizes.SizeRootFs) > Number(sizes.SizeRw));
});

test('no such container', async () => {
  const answer = await engine.http('GET', '/containers/nope/json');
  assert.deepEqual([answer.status, answer.message], [404, 'No such container: nope']);
});

test('a prefix that several containers share is refused', async () => {
  const ids = await Promise.all(Array.from({ length: 17 }, () => engine.create()));
  const digits = ids.map((id) => id[0] ?? '');
  const shared = digits.find((digit, index) => digits.indexOf(digit) !== index) ?? ''; // 17 IDs, 16 digits
  const answer = await engine.http('GET', `/containers/${shared}/json`);
  assert.equal(answer.status, 400);
  assert.match(answer.message, /multiple IDs found with provided prefix/i);
});
