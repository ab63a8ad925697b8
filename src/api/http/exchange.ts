import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { invalidParameter, messageOf } from '../../base/index.ts';
import { decode, type Shape } from './decode.ts';
import { errorResponse } from './error-response.ts';
import { RAW_STREAM, rawStreamResponse, upgradedResponse } from './hijack.ts';
import type { ApiVersion } from './versions.ts';

/** Largest JSON body read into memory: dockerd has no limit of its own; 8 MiB is many times the largest create body seen. */
const MAX_JSON_BODY_BYTES = 8 << 20;

/** How an exchange answers: with Node's response object, or over a socket the client asked to upgrade. */
export type Reply =
  | { readonly kind: 'response'; readonly response: ServerResponse }
  | { readonly kind: 'socket'; readonly socket: Duplex; readonly headers: Readonly<Record<string, string>> };

/** One request and its answer, as a route handler sees it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly version: ApiVersion;
  /** Aborts when the client has gone away. */
  readonly signal: AbortSignal;
  readonly #reply: Reply;
  readonly #body: Readable;

  constructor(options: {
    request: IncomingMessage;
    body: Readable;
    reply: Reply;
    parameters: Record<string, string>;
    query: URLSearchParams;
    version: ApiVersion;
    signal: AbortSignal;
  }) {
    this.request = options.request;
    this.parameters = options.parameters;
    this.query = options.query;
    this.version = options.version;
    this.signal = options.signal;
    this.#reply = options.reply;
    this.#body = options.body;
  }

  /** The path parameter of that name. */
  parameter(name: string): string {
    return this.parameters[name] ?? '';
  }

  /** A boolean query parameter by Docker's rule: absent, empty, 0, no, false and none are false, all else is true. */
  flag(name: string, fallback = false): boolean {
    const value = this.query.get(name);
    if (value === null) return fallback;
    return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
  }

  /** The request body as it comes. */
  get body(): Readable {
    return this.#body;
  }

  /** The JSON body, decoded by `shape`. Throws invalidParameter for another content type, broken JSON or wrong types. */
  async json<T>(shape: Shape): Promise<T> {
    const text = await this.#readText();
    if (text.trim() === '') return decode<T>(shape, undefined);
    requireJsonContentType(this.request.headers['content-type']);
    return decode<T>(shape, parseJson(text));
  }

  /** As {@link json}, but refuses an empty body as dockerd does. */
  async requiredJson<T>(shape: Shape): Promise<T> {
    const text = await this.#readText();
    requireJsonContentType(this.request.headers['content-type']);
    if (text.trim() === '') throw invalidParameter('invalid JSON: got EOF while reading request body');
    return decode<T>(shape, parseJson(text));
  }

  /** Answers with a JSON document. */
  sendJson(status: number, value: unknown): void {
    this.#send(status, `${JSON.stringify(value)}\n`, 'application/json');
  }

  /** Answers with plain text. */
  sendText(status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#send(status, text, 'text/plain; charset=utf-8', headers);
  }

  /** Answers with a status alone. */
  sendStatus(status: number): void {
    this.#send(status, '', undefined);
  }

  /**
   * Starts an answer of unknown length and returns where to write it. The head is sent at once, so that a client that
   * waits for it (`docker events`, `docker wait`) may go on.
   */
  startStream(contentType: string, status = 200): NodeJS.WritableStream & { readonly destroyed?: boolean } {
    const reply = this.#reply;
    if (reply.kind === 'socket') return rawStreamResponse(reply.socket, contentType, reply.headers);
    reply.response.writeHead(status, { 'Content-Type': contentType });
    reply.response.flushHeaders();
    return reply.response;
  }

  /**
   * Takes over the connection for a raw stream in both directions: 101 if the client asked to upgrade, else the
   * old 200 whose body ends with the connection.
   */
  hijack(contentType: string): Duplex {
    const reply = this.#reply;
    if (reply.kind === 'socket') return upgradedResponse(reply.socket, contentType, reply.headers);
    return rawStreamResponse(takeSocket(this.request, reply.response), RAW_STREAM, headersOf(reply.response));
  }

  /** Answers with an error as dockerd does once it has taken the connection over: as text of a raw stream. */
  sendRawError(error: unknown): void {
    const { status, body } = errorResponse(error);
    this.#send(status, `${body.message}\r\n`, RAW_STREAM);
  }

  get headersSent(): boolean {
    return this.#reply.kind === 'response' ? this.#reply.response.headersSent : this.#reply.socket.writableEnded;
  }

  #send(
    status: number,
    content: string,
    contentType: string | undefined,
    more: Readonly<Record<string, string>> = {},
  ): void {
    const reply = this.#reply;
    const headers: Record<string, string> = { ...more };
    if (contentType !== undefined) headers['Content-Type'] = contentType;
    const bodyAllowed = status !== 204 && status !== 304;
    if (bodyAllowed) headers['Content-Length'] = String(Buffer.byteLength(content));
    if (reply.kind === 'response') {
      reply.response.writeHead(status, headers).end(bodyAllowed ? content : undefined);
      return;
    }
    const lines = Object.entries({ ...reply.headers, ...headers, Connection: 'close' });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    reply.socket.end(`HTTP/1.1 ${status} ${statusText(status)}\r\n${head}\r\n${bodyAllowed ? content : ''}`);
  }

  async #readText(): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.#body) {
      size += chunk.length;
      if (size > MAX_JSON_BODY_BYTES) throw invalidParameter('request body is too large');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

function requireJsonContentType(contentType: string | undefined): void {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json') return;
  throw invalidParameter(
    type === ''
      ? `malformed Content-Type header (${contentType ?? ''}): mime: no media type`
      : `unsupported Content-Type header (${contentType}): must be 'application/json'`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = messageOf(error);
    if (message.includes('after JSON at position')) throw invalidParameter('unexpected content after JSON');
    throw invalidParameter(`invalid JSON: ${goSyntaxError(text, message)}`);
  }
}

/** Go's words for the two common kinds of broken JSON; V8's own for the rest. */
function goSyntaxError(text: string, fallback: string): string {
  if (/Unexpected end|Unterminated string/.test(fallback)) return 'unexpected EOF';
  const position = /position (\d+)/.exec(fallback)?.[1];
  if (position === undefined) return fallback;
  const character = text[Number(position)] ?? '';
  const where =
    Number(position) === 0 ? 'looking for beginning of value' : 'looking for beginning of object key string';
  if (Number(position) === text.trimEnd().length) return 'unexpected EOF';
  return `invalid character '${character}' ${where}`;
}

function headersOf(response: ServerResponse): Record<string, string> {
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}

/** Detaches the socket from Node's HTTP parser, so that what the client sends next is stream data and no new request. */
function takeSocket(request: IncomingMessage, response: ServerResponse): Duplex {
  const socket = request.socket;
  response.detachSocket(socket);
  for (const event of ['data', 'end', 'close', 'drain', 'timeout', 'error']) {
    for (const listener of socket.listeners(event)) {
      if (listener.name.startsWith('socketOn') || listener.name.startsWith('bound socketOn')) {
        socket.removeListener(event, listener as (...values: unknown[]) => void);
      }
    }
  }
  return socket;
}

function statusText(status: number): string {
  const texts: Record<number, string> = {
    200: 'OK',
    201: 'Created',
    204: 'No Content',
    304: 'Not Modified',
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    409: 'Conflict',
    500: 'Internal Server Error',
    501: 'Not Implemented',
    503: 'Service Unavailable',
  };
  return texts[status] ?? 'Unknown';
}
