import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { proxyEnvironment, registryAuthHeader } from './config.ts';
import { collect, EngineClient } from './engine-client.ts';
import { ConnectionError, EngineResponseError } from './engine-error.ts';
import { parseHost, resolveHost } from './host.ts';

async function engine(context: TestContext, listener: RequestListener): Promise<EngineClient> {
  const server = createServer(listener);
  server.on('upgrade', (request, socket) => {
    socket.write(`HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n${request.url} `);
    socket.on('data', (piece) => socket.write(piece));
    socket.on('end', () => socket.end('bye'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.closeAllConnections());
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return new EngineClient({ host: parseHost(`tcp://127.0.0.1:${port}`) });
}

test('the older API version of the two is spoken, on one connection', async (context) => {
  const seen: string[] = [];
  const ports = new Set<number | undefined>();
  const client = await engine(context, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    ports.add(request.socket.remotePort);
    response.setHeader('Api-Version', '1.40').end('{"a":[1]}');
  });
  assert.deepEqual(await client.json('GET', '/x', { query: { a: 'b c', no: false, many: ['1', '2'] } }), { a: [1] });
  assert.deepEqual(seen, ['HEAD /_ping', 'GET /v1.40/x?a=b%20c&many=1&many=2']);
  assert.equal(ports.size, 1);
});

test('an error answer carries its message and status', async (context) => {
  const client = await engine(context, (request, response) => {
    response.statusCode = request.url === '/_ping' ? 200 : 404;
    response.end('{"message":"No such container: x"}');
  });
  await assert.rejects(client.call('POST', '/x'), (error) => {
    assert.ok(error instanceof EngineResponseError);
    assert.equal(error.message, 'Error response from daemon: No such container: x');
    return error.status === 404;
  });
});

test('bodies are streamed both ways', async (context) => {
  const client = await engine(context, (request, response) => {
    request.on('data', (piece) => response.write(piece));
    request.on('end', () => response.end('end'));
  });
  async function* pieces() {
    for (let index = 0; index < 50; index++) yield Buffer.alloc(10_000, 'x');
  }
  const { body } = await client.stream('POST', '/x', { stream: pieces() });
  assert.equal((await collect(body)).length, 500_003);
});

test('an upgraded connection is handed over with what came behind the header, and can be half closed', async (context) => {
  const client = await engine(context, (_request, response) => void response.setHeader('Api-Version', '1.51').end());
  const { socket, head } = await client.hijack('POST', '/attach');
  socket.write('ping ');
  socket.end();
  const received = [head];
  for await (const piece of socket) received.push(piece);
  assert.equal(Buffer.concat(received).toString(), '/v1.51/attach ping bye');
});

test('hosts', async () => {
  assert.deepEqual(parseHost('unix:///run/x.sock'), {
    kind: 'unix',
    path: '/run/x.sock',
    address: 'unix:///run/x.sock',
  });
  assert.deepEqual(parseHost('tcp://[::1]:99'), { kind: 'tcp', hostname: '::1', port: 99, address: 'tcp://[::1]:99' });
  assert.equal(resolveHost([], { DOCKER_HOST: 'unix:///d', GANTRY_HOST: 'unix:///g' }).address, 'unix:///g');
  assert.equal(resolveHost(['unix:///h'], { DOCKER_HOST: 'unix:///d' }).address, 'unix:///h');
  assert.throws(() => parseHost('foo://x'), {
    message: 'Failed to initialize: unable to resolve docker endpoint: invalid bind address format: foo://x',
  });
  const client = new EngineClient({ host: parseHost('unix:///nonexistent') });
  await assert.rejects(client.call('GET', '/x'), (error) => {
    assert.ok(error instanceof ConnectionError);
    return error.message === 'Cannot connect to the Gantry engine at unix:///nonexistent. Is gantryd running?';
  });
});

test('credentials and proxies come from config.json', () => {
  const auth = Buffer.from('me:secret:x').toString('base64');
  const config = { auths: { 'host:5000': { auth } }, proxies: { default: { httpProxy: 'http://p' } } };
  const header = registryAuthHeader(config, 'host:5000/image:1') ?? '';
  assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), {
    username: 'me',
    password: 'secret:x',
    serveraddress: 'host:5000',
  });
  assert.equal(registryAuthHeader(config, 'busybox'), undefined);
  assert.deepEqual(
    [...proxyEnvironment(config, 'unix:///x')],
    [
      ['HTTP_PROXY', 'http://p'],
      ['http_proxy', 'http://p'],
    ],
  );
});
