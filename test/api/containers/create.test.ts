import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.settings);

const MEBIBYTE = 1024 * 1024;

test('answers with the 64-digit ID and no warnings', async () => {
  const answer = await engine.expect(201, 'POST', '/containers/create', { Image: 'busybox', Labels: engine.labels });
  assert.match(String(answer.json().Id), /^[0-9a-f]{64}$/);
  assert.deepEqual(answer.json().Warnings, []);
});

test('a container is found by its ID, a prefix of it, and its name', async () => {
  const name = engine.unique('found');
  const id = await engine.create({}, name);
  for (const reference of [id, id.slice(0, 12), name])
    assert.equal((await engine.inspect(reference)).Id, id, reference);
});

test('a name in use is refused, naming its owner', async () => {
  const name = engine.unique('taken');
  const id = await engine.create({}, name);
  const answer = await engine.http('POST', `/containers/create?name=${name}`, { Image: 'busybox' });
  assert.equal(answer.status, 409);
  assert.equal(
    answer.message,
    `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
  await engine.remove(id);
  await engine.create({}, name);
});

test('a container without a name gets an adjective and a noun', async () => {
  assert.match((await engine.inspect(await engine.create())).Name, /^\/[a-z]+_[a-z]+\d?$/);
});

test('unknown fields are ignored', async () => {
  const body = { Image: 'busybox', Labels: engine.labels, Unknown: { a: 1 }, HostConfig: { Nope: [1] } };
  await engine.expect(201, 'POST', '/containers/create', body);
});

test('what the image says is kept, what the request says comes first', async () => {
  const id = await engine.create({
    Image: 'settings',
    Cmd: ['given'],
    Env: ['REPLACED=request', 'ADDED=1'],
    Labels: { 'both.label': 'request' },
    ExposedPorts: { '9/tcp': {} },
  });
  const { Config, Path, Args } = await engine.inspect(id);
  assert.deepEqual([Path, Args], ['/bin/echo', ['entry', 'given']]);
  assert.deepEqual(Config.Entrypoint, ['/bin/echo', 'entry']);
  assert.deepEqual(Config.Cmd, ['given']);
  assert.deepEqual([...(Config.Env ?? [])].sort(), [
    'ADDED=1',
    'FROM_IMAGE=yes',
    'PATH=/bin:/opt/bin',
    'REPLACED=request',
  ]);
  assert.equal(Config.User, 'tester');
  assert.equal(Config.WorkingDir, '/work/dir');
  assert.equal(Config.StopSignal, 'SIGUSR1');
  assert.deepEqual(Config.Volumes, { '/data': {} });
  assert.deepEqual(Config.ExposedPorts, { '53/udp': {}, '8080/tcp': {}, '9/tcp': {} });
  assert.deepEqual(Config.Labels, { ...engine.labels, 'both.label': 'request', 'image.label': 'kept' });
});

test('an entrypoint in the request drops the command of the image', async () => {
  const id = await engine.create({ Image: 'settings', Entrypoint: ['/bin/id'] });
  const { Path, Args, Config } = await engine.inspect(id);
  assert.deepEqual([Path, Args, Config.Cmd], ['/bin/id', [], null]);
});

test('the hostname is the short ID unless one is given', async () => {
  const id = await engine.create();
  assert.equal((await engine.inspect(id)).Config.Hostname, id.slice(0, 12));
  const named = await engine.inspect(await engine.create({ Hostname: 'box', Domainname: 'example.org' }));
  assert.deepEqual([named.Config.Hostname, named.Config.Domainname], ['box', 'example.org']);
});

/** Requests that are refused: the fields beside `Image`, the status, the text. */
const refused: readonly (readonly [object, number, string | RegExp])[] = [
  [{ Image: '', Cmd: [] }, 400, 'no command specified'],
  [{ Image: 'no-such-image' }, 404, 'No such image: no-such-image:latest'],
  [{ Image: 'no-such:tag' }, 404, 'No such image: no-such:tag'],
  [{ Image: 'UPPER' }, 400, 'invalid reference format: repository name (library/UPPER) must be lowercase'],
  [{ Image: `sha256:${'a'.repeat(64)}` }, 404, `No such image: sha256:${'a'.repeat(64)}`],
  [{ Image: `x@sha256:${'b'.repeat(64)}` }, 404, `No such image: x@sha256:${'b'.repeat(64)}`],
  [{ Entrypoint: [''], Cmd: [] }, 400, 'no command specified'],
  [{ WorkingDir: 'relative' }, 400, "the working directory 'relative' is invalid, it needs to be an absolute path"],
  [{ StopSignal: 'NOPE' }, 400, 'invalid signal: NOPE'],
  [{ Env: ['=x'] }, 400, 'invalid environment variable: =x'],
  [{ MacAddress: 'nope' }, 400, 'invalid config for network bridge: invalid MAC address nope'],
  [{ HostConfig: { Memory: 1024 } }, 400, 'Minimum memory limit allowed is 6MB'],
  [
    { HostConfig: { Memory: 10 * MEBIBYTE, MemorySwap: 7 * MEBIBYTE } },
    400,
    'Minimum memoryswap limit should be larger than memory limit, see usage',
  ],
  [
    { HostConfig: { MemorySwap: 8 * MEBIBYTE } },
    400,
    'You should always set the Memory limit when using Memoryswap limit, see usage',
  ],
  [
    { HostConfig: { Memory: 10 * MEBIBYTE, MemoryReservation: 20 * MEBIBYTE } },
    400,
    'Minimum memory limit can not be less than memory reservation limit, see usage',
  ],
  [{ HostConfig: { MemoryReservation: 5 } }, 400, 'Minimum memory reservation allowed is 6MB'],
  [{ HostConfig: { MemorySwappiness: 101 } }, 400, 'Invalid value: 101, valid memory swappiness range is 0-100'],
  [
    { HostConfig: { NanoCpus: 1e15 } },
    400,
    /^range of CPUs is from 0\.01 to \d+\.00, as there are only \d+ CPUs available$/,
  ],
  [
    { HostConfig: { NanoCpus: 1e9, CpuPeriod: 100_000 } },
    400,
    'Conflicting options: Nano CPUs and CPU Period cannot both be set',
  ],
  [
    { HostConfig: { CpuPeriod: 5 } },
    400,
    'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
  ],
  [{ HostConfig: { CpuQuota: 5 } }, 400, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
  [{ HostConfig: { CpusetCpus: 'x' } }, 400, 'Invalid value x for cpuset cpus: invalid format: x'],
  [{ HostConfig: { CpusetCpus: '999' } }, 400, /^Requested CPUs are not available - requested 999, available: 0/],
  [{ HostConfig: { OomScoreAdj: 2000 } }, 400, 'Invalid value 2000, range for oom score adj is [-1000, 1000]'],
  [{ HostConfig: { ShmSize: -1 } }, 400, 'SHM size can not be less than 0'],
  [{ HostConfig: { CapAdd: ['NOPE'] } }, 400, 'invalid CapAdd: unknown capability: "CAP_NOPE"'],
  [{ HostConfig: { CapDrop: ['nope'] } }, 400, 'invalid CapDrop: unknown capability: "CAP_NOPE"'],
  [{ HostConfig: { SecurityOpt: ['nope'] } }, 500, 'invalid --security-opt 1: "nope"'],
  [
    { HostConfig: { NetworkMode: 'container:' } },
    400,
    'invalid network mode: invalid container format container:<name|id>',
  ],
  [
    { HostConfig: { RestartPolicy: { Name: 'sometimes' } } },
    400,
    "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  ],
  [
    { HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } } },
    400,
    "invalid restart policy: maximum retry count can only be used with 'on-failure'",
  ],
  [
    { HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -3 } } },
    400,
    'invalid restart policy: maximum retry count cannot be negative',
  ],
  [
    { HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' } } },
    400,
    "can't create 'AutoRemove' container with restart policy",
  ],
  [
    { HostConfig: { LogConfig: { Type: 'nope' } } },
    400,
    'error looking up logging plugin nope: plugin "nope" not found',
  ],
  [
    { HostConfig: { LogConfig: { Type: 'json-file', Config: { nope: '1' } } } },
    400,
    "unknown log opt 'nope' for json-file log driver",
  ],
  [{ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 'x' }] } } }, 400, 'invalid port specification: "x"'],
  [{ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '70000' }] } } }, 400, 'invalid port specification: "70000"'],
  [{ HostConfig: { PortBindings: { 'x/tcp': [{ HostPort: '1' }] } } }, 400, 'invalid port specification: "x"'],
  [{ HostConfig: { PortBindings: { '99999/tcp': [] } } }, 400, 'invalid port specification: "99999"'],
  [
    { HostConfig: { Binds: ['nocolon'] } },
    500,
    `invalid volume specification: 'nocolon': invalid mount config for type "volume": invalid mount path: 'nocolon' mount path must be absolute`,
  ],
  [
    { HostConfig: { Binds: ['/a:b'] } },
    500,
    `invalid volume specification: '/a:b': invalid mount config for type "bind": invalid mount path: 'b' mount path must be absolute`,
  ],
  [{ HostConfig: { Binds: ['a:/b:nope'] } }, 500, 'invalid mode: nope'],
  [{ HostConfig: { Binds: ['/a:/b:rw:x'] } }, 500, "invalid volume specification: '/a:/b:rw:x'"],
  [
    { HostConfig: { Binds: ['/a:/'] } },
    500,
    `invalid volume specification: '/a:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
  ],
  [{ HostConfig: { Binds: [''] } }, 500, "invalid volume specification: ''"],
  [{ HostConfig: { Binds: ['/tmp:/b', '/tmp:/b'] } }, 400, 'Duplicate mount point: /b'],
  [
    { HostConfig: { Binds: ['x/y:/b'] } },
    400,
    'create x/y: "x/y" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  ],
  [
    { HostConfig: { Mounts: [{ Type: 'bind', Source: '/no/such/source', Target: '/x' }] } },
    400,
    'invalid mount config for type "bind": bind source path does not exist: /no/such/source',
  ],
  [
    { HostConfig: { Mounts: [{ Type: 'nope', Source: '/a', Target: '/x' }] } },
    400,
    'invalid mount config for type "nope": mount type unknown',
  ],
  [
    { HostConfig: { Mounts: [{ Type: 'bind', Source: '', Target: '/x' }] } },
    400,
    'invalid mount config for type "bind": field Source must not be empty',
  ],
  [
    { HostConfig: { Mounts: [{ Type: 'volume', Source: 'x', Target: '' }] } },
    400,
    'invalid mount config for type "volume": field Target must not be empty',
  ],
  [{ HostConfig: { Tmpfs: { rel: '' } } }, 400, "invalid mount path: 'rel' mount path must be absolute"],
  [{ HostConfig: { ExtraHosts: ['nocolon'] } }, 400, 'bad format for add-host: "nocolon"'],
  [{ HostConfig: { Runtime: 'nope' } }, 400, 'unknown or invalid runtime name: nope'],
  [{ HostConfig: { IpcMode: 'nope' } }, 400, 'invalid IPC mode: nope'],
  [{ HostConfig: { PidMode: 'nope' } }, 400, 'invalid PID mode: nope'],
  [{ HostConfig: { UTSMode: 'nope' } }, 400, 'invalid UTS mode: nope'],
  [{ HostConfig: { CgroupnsMode: 'nope' } }, 400, 'invalid cgroup namespace mode: nope'],
  [{ HostConfig: { VolumesFrom: ['nope'] } }, 400, 'No such container: nope'],
];

for (const [fields, status, message] of refused)
  test(`refuses ${JSON.stringify(fields)}`, async () => {
    const answer = await engine.http('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'], ...fields });
    assert.equal(answer.status, status, answer.text);
    if (typeof message === 'string') assert.equal(answer.message, message);
    else assert.match(answer.message, message);
  });

for (const name of ['a', '-bad', 'b c', '/', 'ü', 'a/b'])
  test(`refuses the name ${JSON.stringify(name)}`, async () => {
    const answer = await engine.http('POST', `/containers/create?name=${encodeURIComponent(name)}`, {
      Image: 'busybox',
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.message, `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  });

/** Bodies that are not what the route takes. Texts of the JSON decoder are matched in what every decoder can know. */
const malformed: readonly (readonly [string, RegExp])[] = [
  ['{"Image":', /^invalid JSON: /],
  ['', /^invalid JSON: got EOF while reading request body$/],
  ['[]', /^invalid JSON: .*cannot unmarshal array/],
  ['{"Image":5}', /^invalid JSON: .*cannot unmarshal number .*Image of type string$/],
  ['{"Image":"busybox"} trailing', /^unexpected content after JSON$/],
  ['{"Image":"busybox","Env":"A=b"}', /^invalid JSON: .*cannot unmarshal string .*Env of type \[\]string$/],
  [
    '{"Image":"busybox","HostConfig":{"Memory":"x"}}',
    /^invalid JSON: .*cannot unmarshal string .*Memory of type int64$/,
  ],
  [
    '{"Image":"busybox","HostConfig":{"Memory":1.5}}',
    /^invalid JSON: .*cannot unmarshal number 1\.5 .*Memory of type int64$/,
  ],
];

for (const [body, message] of malformed)
  test(`refuses the body ${JSON.stringify(body)}`, async () => {
    const answer = await engine.http('POST', '/containers/create', body);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.message, message);
  });

test('refuses a body that is not JSON by its content type', async () => {
  const headers = { 'Content-Type': 'text/plain' };
  const answer = await engine.http('POST', '/containers/create', '{"Image":"busybox"}', { headers });
  assert.equal(answer.status, 400);
  assert.equal(answer.message, "unsupported Content-Type header (text/plain): must be 'application/json'");
});

test('refuses an image made for another platform than asked for', async () => {
  const answer = await engine.http('POST', '/containers/create?platform=linux/arm64', { Image: 'busybox' });
  assert.equal(answer.status, 404);
  assert.equal(
    answer.message,
    'image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)',
  );
});

test('a refused request leaves no container behind', async () => {
  const name = engine.unique('refused');
  for (const HostConfig of [{ Binds: ['x/y:/b'] }, { Tmpfs: { rel: '' } }, { VolumesFrom: ['nope'] }])
    assert.notEqual(
      (await engine.http('POST', `/containers/create?name=${name}`, { Image: 'busybox', HostConfig })).status,
      201,
    );
  assert.equal((await engine.http('GET', `/containers/${name}/json`)).status, 404);
  await engine.create({}, name);
});

test('JSON field names match in any case, as in Go', async () => {
  const body = { image: 'busybox', CMD: ['true'], labels: engine.labels, hostconfig: { networkmode: 'none' } };
  const id = String((await engine.expect(201, 'POST', '/containers/create', body)).json().Id);
  const { Config, HostConfig } = await engine.inspect(id);
  assert.deepEqual([Config.Cmd, HostConfig.NetworkMode], [['true'], 'none']);
});

test('Cmd and Entrypoint may be a string', async () => {
  const body = { Image: 'busybox', Entrypoint: 'echo', Cmd: 'one two', Labels: engine.labels };
  const id = String((await engine.expect(201, 'POST', '/containers/create', body)).json().Id);
  const { Path, Args } = await engine.inspect(id);
  assert.deepEqual([Path, Args], ['echo', ['one two']]);
});
