/** A little registry that misbehaves on request: the repository's name says how. For tests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf } from '../base/index.ts';
import { MEDIA_TYPES } from './manifest.ts';

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Send only so many bytes of the body, then break the connection. */
  readonly cutAt?: number;
  /** Send only so many bytes of the body, then fall silent. */
  readonly stallAt?: number;
}

export type Handler = (request: IncomingMessage, attempt: number) => Answer | undefined;

export interface HostileRegistry extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** `GET /v2/…` lines, in order. */
  readonly requests: string[];
}

/** Starts a registry whose answers `handler` gives; what it leaves undefined is answered 404. */
export async function startHostileRegistry(handler: Handler): Promise<HostileRegistry> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    requests.push(line);
    const attempt = requests.filter((earlier) => earlier === line).length;
    const answer = request.url === '/v2/' ? (handler(request, attempt) ?? { status: 200 }) : handler(request, attempt);
    send(response, answer ?? refusalAnswer(404, 'MANIFEST_UNKNOWN', 'manifest unknown'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body ?? '');
  response.writeHead(answer.status ?? 200, { 'content-length': body.length, ...answer.headers });
  if (answer.cutAt !== undefined) response.write(body.subarray(0, answer.cutAt), () => response.destroy());
  else if (answer.stallAt !== undefined) response.write(body.subarray(0, answer.stallAt));
  else response.end(body);
}

/** An error document as the distribution specification has it. */
export function refusalAnswer(status: number, code: string, message: string, detail?: unknown): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [{ code, message, detail }] }),
  };
}

/** A manifest of Docker's schema 2 for a config and layers. */
export function manifestAnswer(
  config: Buffer,
  layers: readonly Buffer[],
  mediaType: string = MEDIA_TYPES.dockerManifest,
): Answer {
  const descriptor = (mediaType: string, content: Buffer) => ({
    mediaType,
    digest: digestOf(content),
    size: content.length,
  });
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: descriptor(MEDIA_TYPES.dockerConfig, config),
    layers: layers.map((layer) => descriptor('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)),
  });
  return { headers: { 'content-type': mediaType }, body };
}
