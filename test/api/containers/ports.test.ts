import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortBinding } from '../../../src/contract/docker/index.ts';
import { type ContainerRequest, HOST_ADDRESS, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

/** A web server that answers every request with its argument, on the given port. */
function server(answer: string, port = 80): string {
  return `mkdir -p /www; echo ${answer} > /www/index.html; exec httpd -f -p ${port} -h /www`;
}

/** Fetches from the engine's network namespace, as soon as the server in the container is ready. */
async function fetchFrom(address: string): Promise<string> {
  const once = `curl --silent --fail --max-time 3 http://${address}/`;
  const script = `for i in $(seq 50); do ${once} && exit; sleep 0.05; done; exit 1`;
  return (await engine.inNetwork('sh', '-c', script)).stdout.trim();
}

/** What publishes a container's port at an address; a port is published only if it is exposed too. */
function published(port: string, ...bindings: PortBinding[]): Pick<ContainerRequest, 'ExposedPorts' | 'HostConfig'> {
  return {
    ExposedPorts: { [port]: {} },
    HostConfig: { NetworkMode: 'bridge', PortBindings: { [port]: bindings } },
  };
}

async function refuses(address: string): Promise<boolean> {
  const { status } = await engine.inNetwork('curl', '--silent', '--max-time', '2', `http://${address}/`);
  return status !== 0;
}

async function binding(id: string, port: string): Promise<PortBinding[]> {
  return (await engine.inspect(id)).NetworkSettings.Ports?.[port] ?? [];
}

test('a published port answers on loopback and on the host’s other addresses', async () => {
  const id = await engine.start({
    Cmd: server('everywhere'),
    ...published('80/tcp', { HostIp: '0.0.0.0', HostPort: '' }),
  });
  const [{ HostIp, HostPort } = { HostIp: '', HostPort: '' }] = await binding(id, '80/tcp');
  assert.equal(HostIp, '0.0.0.0');
  assert.ok(Number(HostPort) > 1024);
  assert.equal(await fetchFrom(`127.0.0.1:${HostPort}`), 'everywhere');
  assert.equal(await fetchFrom(`${HOST_ADDRESS}:${HostPort}`), 'everywhere');
  const { Gateway } = (await engine.inspect(id)).NetworkSettings;
  assert.equal(await fetchFrom(`${Gateway}:${HostPort}`), 'everywhere');
});

test('a port published on one address answers there only', async () => {
  const id = await engine.start({
    Cmd: server('here'),
    ...published('80/tcp', { HostIp: '127.0.0.1', HostPort: '' }),
  });
  const [{ HostIp, HostPort } = { HostIp: '', HostPort: '' }] = await binding(id, '80/tcp');
  assert.equal(HostIp, '127.0.0.1');
  assert.equal(await fetchFrom(`127.0.0.1:${HostPort}`), 'here');
  assert.ok(await refuses(`${HOST_ADDRESS}:${HostPort}`));
});

test('a container reaches a published port by the host’s address', async () => {
  const web = await engine.start({
    Cmd: server('hairpin'),
    ...published('80/tcp', { HostIp: '0.0.0.0', HostPort: '' }),
  });
  const [{ HostPort } = { HostPort: '' }] = await binding(web, '80/tcp');
  assert.equal(await fetchFrom(`127.0.0.1:${HostPort}`), 'hairpin');
  const other = await engine.run({
    Cmd: `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${HOST_ADDRESS} ${HostPort} | tail -n 1`,
    HostConfig: { NetworkMode: 'bridge' },
  });
  assert.equal(other.stdout, 'hairpin\n', other.stderr);
  const itself = await engine.exec(
    web,
    `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${HOST_ADDRESS} ${HostPort} | tail -n 1`,
  );
  assert.equal(itself.stdout, 'hairpin\n', itself.stderr);
});

/** Busybox has no UDP server: the host's perl, run in a container that has the host's files, answers what it is sent. */
const UDP_ECHO =
  'socket(S, 2, 2, 17); bind(S, sockaddr_in(5000, INADDR_ANY)); while ($p = recv(S, $b, 999, 0)) { send(S, $b, 0, $p) }';
const UDP_ASK =
  'socket(S, 2, 2, 17); connect(S, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))); for (1..50) { send(S, "hello", 0); vec($r, fileno(S), 1) = 1; if (select($r, undef, undef, 0.1) && recv(S, $b, 99, 0)) { print $b; exit } $b = "" }';

test('UDP', async () => {
  const { ExposedPorts, HostConfig } = published('5000/udp', { HostIp: '0.0.0.0', HostPort: '' });
  const id = await engine.start({
    Cmd: ['chroot', '/host', 'perl', '-MSocket', '-e', UDP_ECHO],
    ExposedPorts,
    HostConfig: { ...HostConfig, Binds: ['/:/host:ro'] },
  });
  const [{ HostPort } = { HostPort: '' }] = await binding(id, '5000/udp');
  for (const address of ['127.0.0.1', HOST_ADDRESS]) {
    const answer = await engine.inNetwork('perl', '-MSocket', '-e', UDP_ASK, address, HostPort);
    assert.equal(answer.stdout, 'hello', address);
  }
});

test('several ports, several bindings of one port, and PublishAllPorts', async () => {
  const id = await engine.start({
    Cmd: server('many'),
    ExposedPorts: { '80/tcp': {}, '90/tcp': {}, '91/udp': {} },
    HostConfig: {
      NetworkMode: 'bridge',
      PublishAllPorts: true,
      PortBindings: {
        '80/tcp': [
          { HostIp: '127.0.0.1', HostPort: '' },
          { HostIp: HOST_ADDRESS, HostPort: '' },
        ],
      },
    },
  });
  const { Ports } = (await engine.inspect(id)).NetworkSettings;
  assert.deepEqual(Object.keys(Ports ?? {}).sort(), ['80/tcp', '90/tcp', '91/udp']);
  assert.deepEqual(Ports?.['80/tcp']?.map(({ HostIp }) => HostIp).sort(), ['127.0.0.1', HOST_ADDRESS]);
  for (const { HostIp, HostPort } of Ports?.['80/tcp'] ?? [])
    assert.equal(await fetchFrom(`${HostIp}:${HostPort}`), 'many');
  assert.ok(Number(Ports?.['90/tcp']?.[0]?.HostPort) > 0);
  assert.ok(Number(Ports?.['91/udp']?.[0]?.HostPort) > 0);
});

test('an exposed port that is not published shows as null', async () => {
  const id = await engine.start({ ExposedPorts: { '80/tcp': {} }, HostConfig: { NetworkMode: 'bridge' } });
  assert.deepEqual((await engine.inspect(id)).NetworkSettings.Ports, { '80/tcp': null });
});

test('a binding of a port that is not exposed does nothing', async () => {
  const PortBindings = { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18183' }] };
  const id = await engine.start({ HostConfig: { NetworkMode: 'bridge', PortBindings } });
  assert.deepEqual((await engine.inspect(id)).NetworkSettings.Ports, {});
  assert.ok(await refuses('127.0.0.1:18183'));
});

test('a range takes its first free port', async () => {
  const request = published('80/tcp', { HostIp: '127.0.0.1', HostPort: '18100-18102' });
  const ports: (string | undefined)[] = [];
  for (let index = 0; index < 3; index += 1)
    ports.push((await binding(await engine.start(request), '80/tcp'))[0]?.HostPort);
  assert.deepEqual(ports.sort(), ['18100', '18101', '18102']);
  const full = await engine.http('POST', `/containers/${await engine.create(request)}/start`);
  assert.equal(full.status, 500);
});

test('a port that is taken by another container is refused, and free again after its end', async () => {
  const request = {
    Cmd: server('mine'),
    ...published('80/tcp', { HostIp: '0.0.0.0', HostPort: '18181' }),
  };
  const first = await engine.start(request);
  const second = await engine.create(request);
  const answer = await engine.http('POST', `/containers/${second}/start`);
  assert.equal(answer.status, 500);
  assert.match(
    answer.message,
    /^failed to set up container networking: .*Bind for 0\.0\.0\.0:18181 failed: port is already allocated$/,
  );
  assert.equal((await engine.inspect(second)).State.Status, 'created');
  await engine.expect(204, 'POST', `/containers/${first}/kill`);
  await engine.wait(first);
  await engine.expect(204, 'POST', `/containers/${second}/start`);
  assert.equal(await fetchFrom('127.0.0.1:18181'), 'mine');
});

test('a port that a program of the host has is refused', async () => {
  const holder = engine.inNetwork('timeout', '10', 'busybox', 'nc', '-l', '-p', '18182');
  try {
    await engine.inNetwork('sh', '-c', 'until ss -ltn | grep -q :18182; do sleep 0.02; done');
    const id = await engine.create({
      ...published('80/tcp', { HostIp: '127.0.0.1', HostPort: '18182' }),
    });
    const answer = await engine.http('POST', `/containers/${id}/start`);
    assert.equal(answer.status, 500);
    assert.match(answer.message, /18182.*address already in use/);
  } finally {
    await engine.inNetwork('busybox', 'nc', '-w', '1', '127.0.0.1', '18182');
    await holder;
  }
});

test('a stopped container’s port is closed', async () => {
  const id = await engine.start({
    Cmd: server('soon gone'),
    ...published('80/tcp', { HostIp: '127.0.0.1', HostPort: '' }),
  });
  const [{ HostPort } = { HostPort: '' }] = await binding(id, '80/tcp');
  assert.equal(await fetchFrom(`127.0.0.1:${HostPort}`), 'soon gone');
  await engine.expect(204, 'POST', `/containers/${id}/stop?t=0`);
  assert.ok(await refuses(`127.0.0.1:${HostPort}`));
  assert.deepEqual((await engine.inspect(id)).NetworkSettings.Ports, {});
});
