import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createLog } from '../../base/index.ts';
import { createApiServer, Router, route } from './index.ts';

/** Sends raw bytes to a server with one route; resolves to the answer's first line, or '' if the connection just ended. */
async function firstLine(request: string): Promise<string> {
  const router = new Router([
    route('GET', '/things/:id', (exchange) => exchange.sendText(200, exchange.parameter('id'))),
  ]);
  const server = createApiServer(router, {}, createLog('fatal'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const address = server.address();
    const socket = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
    socket.end(request);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer.split('\r\n')[0] ?? '';
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const get = (target: string) => firstLine(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

test('no request target ends the engine', async () => {
  assert.equal(await get('/things/a%2Fb'), 'HTTP/1.1 200 OK');
  assert.equal(await get('http://other.example/things/a'), 'HTTP/1.1 200 OK');
  for (const target of ['//', '//[', '/\\', '*', '/%', 'http://', '/v1.999999999999999999/x?%']) {
    assert.match(await get(target), /^HTTP\/1\.1 4\d\d /, target);
  }
  assert.equal(await get('/things/%zz'), 'HTTP/1.1 400 Bad Request');
  assert.equal(await firstLine('\x00\x01\x02\r\n\r\n'), 'HTTP/1.1 400 Bad Request');
});
