import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Json } from './json.ts';

/** A request body: bytes are sent as they are, strings too, anything else as JSON. */
export type RequestBody = Buffer | string | object;

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A whole answer. */
export class Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;

  constructor(status: number, headers: IncomingHttpHeaders, body: Buffer) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  get text(): string {
    return this.body.toString();
  }

  /** The body as JSON; the caller says what it holds. */
  json<T = Json>(): T {
    return JSON.parse(this.text) as T;
  }

  /** The text of an error answer (`{"message": …}`). */
  get message(): string {
    return String(this.json().message);
  }

  /** The values of a stream of JSON documents, one per line (progress, events). */
  lines<T = Json>(): T[] {
    return this.text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as T);
  }
}

/** No plain request of the suite takes longer unless the engine hangs; a hanging engine shall fail the one test. */
const REQUEST_TIMEOUT = 60_000;

/** Sends a request over a unix socket and resolves once the answer's headers are there. */
export function openAnswer(
  socketPath: string,
  method: string,
  path: string,
  body?: RequestBody,
  options: RequestOptions = {},
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const isBytes = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = body === undefined ? undefined : Buffer.from(isBytes ? body : JSON.stringify(body));
  const contentType = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
  const outgoing = request({
    socketPath,
    method,
    path,
    agent: false,
    signal: options.signal,
    timeout: REQUEST_TIMEOUT,
    headers: {
      Host: 'engine',
      ...(bytes === undefined ? {} : { 'Content-Type': contentType, 'Content-Length': bytes.length }),
      ...options.headers,
    },
  });
  outgoing.on('response', resolve);
  outgoing.on('error', reject);
  outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path}: silent for ${REQUEST_TIMEOUT} ms`)));
  outgoing.end(bytes);
  return promise;
}

/** Sends a request over a unix socket and reads the whole answer. */
export async function exchange(
  socketPath: string,
  method: string,
  path: string,
  body?: RequestBody,
  options?: RequestOptions,
): Promise<Answer> {
  const response = await openAnswer(socketPath, method, path, body, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return new Answer(response.statusCode ?? 0, response.headers, Buffer.concat(chunks));
}
