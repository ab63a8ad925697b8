import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { type Log, messageOf, notFound } from '../../base/index.ts';
import { errorResponse } from './error-response.ts';
import { Exchange, type Reply } from './exchange.ts';
import type { Router } from './router.ts';
import { splitVersion } from './versions.ts';

/**
 * An HTTP server for the routes of `router`, not yet listening.
 * @param headers sent with every answer (dockerd: Api-Version, Server, Ostype, …)
 */
export function createApiServer(router: Router, headers: Readonly<Record<string, string>>, log: Log): Server {
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    void answer(router, request, request, { kind: 'response', response }, log);
  });
  server.on('upgrade', (request, socket, head) => {
    // Node parses the body (exec start has a JSON one) as ever; what follows it is the stream's.
    if (head.length > 0) socket.unshift(head);
    void answer(router, request, request, { kind: 'socket', socket, headers }, log);
  });
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  return server;
}

async function answer(router: Router, request: IncomingMessage, body: Readable, reply: Reply, log: Log): Promise<void> {
  const gone = new AbortController();
  const connection = reply.kind === 'response' ? reply.response : reply.socket;
  connection.on('close', () => gone.abort());
  connection.on('error', () => gone.abort());
  const target = splitTarget(request.url ?? '/');
  const create = (parameters: Record<string, string>, version = { major: 1, minor: 0 }) =>
    new Exchange({ request, body, reply, parameters, query: target.query, version, signal: gone.signal });
  let exchange = create({});
  try {
    const { version, path } = splitVersion(target.path);
    const found = router.find(request.method ?? 'GET', path);
    if (!found) throw notFound('page not found');
    exchange = create(found.parameters, version);
    log.debug({ method: request.method, url: request.url }, 'request');
    await found.handler(exchange);
  } catch (error) {
    answerError(exchange, connection, error, log);
  }
}

/** The path and the query of a request target (RFC 9112, 3.2), whatever a client wrote there. */
function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const origin = target.replace(/^https?:\/\/[^/?]*/, '');
  const mark = origin.indexOf('?');
  const path = mark < 0 ? origin : origin.slice(0, mark);
  return { path, query: new URLSearchParams(mark < 0 ? '' : origin.slice(mark + 1)) };
}

function answerError(exchange: Exchange, connection: ServerResponse | Duplex, error: unknown, log: Log): void {
  const { status, body } = errorResponse(error);
  if (status >= 500) {
    log.error(
      { method: exchange.request.method, url: exchange.request.url, error, cause: causeOf(error) },
      messageOf(error),
    );
  }
  // Once a stream has begun, its status is spent: ending the connection short is the only signal left.
  if (exchange.headersSent || exchange.signal.aborted) connection.destroy();
  else exchange.sendJson(status, body);
}

function causeOf(error: unknown): string | undefined {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : undefined;
}
