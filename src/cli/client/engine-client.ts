/** Calls of the engine's API: connection, version negotiation, errors, streams. */

import { connect, type Socket } from 'node:net';
import { API_VERSION } from '../../contract/docker/index.ts';
import { messageOf } from '../failure.ts';
import { ConnectionError, EngineResponseError } from './engine-error.ts';
import type { EngineHost } from './host.ts';
import { exchange, type WireResponse } from './http.ts';

/** Query parameters; undefined, false and empty values are left out, lists repeat the name. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** What a call sends besides method and path. */
export interface CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly stream?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer to read as a stream. */
export interface StreamedResponse {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncGenerator<Buffer, void, void>;
}

/** A connection that became a raw stream. */
export interface HijackedConnection {
  readonly socket: Socket;
  /** Bytes that came with the answer's header. */
  readonly head: Buffer;
}

export interface EngineClientOptions {
  readonly host: EngineHost;
  /** A version to speak without asking (DOCKER_API_VERSION). */
  readonly apiVersion?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Told each request line (`--debug`). */
  readonly trace?: ((line: string) => void) | undefined;
}

/** API versions before negotiation existed answer a ping without a version; docker then assumes this one. */
const OLDEST_NEGOTIABLE_VERSION = '1.24';

/** A client of one engine. Connects when it is first used. */
export class EngineClient {
  readonly host: EngineHost;
  readonly #options: EngineClientOptions;
  readonly #idle: Socket[] = [];
  #version: Promise<string> | undefined;

  constructor(options: EngineClientOptions) {
    this.host = options.host;
    this.#options = options;
  }

  /** The API version both sides speak. Asks the engine once. */
  apiVersion(): Promise<string> {
    this.#version ??= this.#options.apiVersion ? Promise.resolve(this.#options.apiVersion) : this.#negotiate();
    return this.#version;
  }

  /** Calls and parses the JSON answer. Throws {@link EngineResponseError} if the engine refuses. */
  async json<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    return JSON.parse(await this.text(method, path, options));
  }

  /** Calls and returns the answer as text. */
  async text(method: string, path: string, options: CallOptions = {}): Promise<string> {
    const { body } = await this.stream(method, path, options);
    return (await collect(body)).toString();
  }

  /** Calls for the effect only. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<void> {
    await this.text(method, path, options);
  }

  /** Calls and returns once the answer's header is there; the body is the caller's to read. */
  async stream(method: string, path: string, options: CallOptions = {}): Promise<StreamedResponse> {
    const { response, socket } = await this.#send(method, path, options, {});
    await throwIfError(response);
    return { headers: response.headers, body: this.#released(response, socket) };
  }

  /** Calls and takes the connection over as a raw stream (attach, exec start). */
  async hijack(method: string, path: string, options: CallOptions = {}): Promise<HijackedConnection> {
    const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };
    const { response } = await this.#send(method, path, options, upgrade);
    // 200 is what engines answered before they knew 101.
    if (response.status !== 101 && response.status !== 200) await throwIfError(response);
    return response.detach();
  }

  async #send(method: string, path: string, options: CallOptions, extraHeaders: Record<string, string>) {
    const version = await this.apiVersion();
    return this.#exchange(method, `/v${version}${path}${queryText(options.query)}`, options, extraHeaders);
  }

  async #exchange(method: string, target: string, options: CallOptions, extraHeaders: Record<string, string>) {
    const socket = this.#takeIdle() ?? (await this.#connect());
    this.#options.trace?.(`${method} ${target}`);
    const json = options.json === undefined ? undefined : JSON.stringify(options.json);
    const response = await exchange(socket, {
      method,
      target,
      headers: {
        Host: this.host.kind === 'unix' ? 'gantry' : `${this.host.hostname}:${this.host.port}`,
        'User-Agent': 'Gantry-Client',
        ...this.#options.headers,
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...options.headers,
        ...extraHeaders,
      },
      body: json ?? options.stream,
    }).catch((error: unknown) => {
      throw new ConnectionError(`error during connect: ${method} ${target}: ${messageOf(error)}`);
    });
    return { response, socket };
  }

  async #negotiate(): Promise<string> {
    const { response, socket } = await this.#exchange('HEAD', '/_ping', {}, {});
    for await (const _ of this.#released(response, socket));
    const offered = response.headers['api-version'] || OLDEST_NEGOTIABLE_VERSION;
    return compareVersions(offered, API_VERSION) < 0 ? offered : API_VERSION;
  }

  async *#released(response: WireResponse, socket: Socket): AsyncGenerator<Buffer, void, void> {
    try {
      yield* response.body;
    } finally {
      if (response.reusable()) this.#idle.push(socket);
      else socket.destroy();
    }
  }

  #takeIdle(): Socket | undefined {
    const socket = this.#idle.pop();
    return socket === undefined || socket.destroyed || socket.readableEnded ? undefined : socket;
  }

  #connect(): Promise<Socket> {
    const { host } = this;
    return new Promise((resolve, reject) => {
      const socket = connect(
        host.kind === 'unix'
          ? { path: host.path, allowHalfOpen: true }
          : { host: host.hostname, port: host.port, allowHalfOpen: true },
      );
      socket.once('connect', () => {
        socket.off('error', refuse);
        // Whoever reads the socket sees the error as well; this one keeps an idle connection from ending the program.
        socket.on('error', () => undefined);
        resolve(socket);
      });
      const refuse = (error: NodeJS.ErrnoException) => {
        reject(new ConnectionError(connectionText(host, error)));
      };
      socket.once('error', refuse);
    });
  }
}

function connectionText(host: EngineHost, error: NodeJS.ErrnoException): string {
  if (error.code === 'EACCES') {
    const path = host.kind === 'unix' ? host.path : host.address;
    return `permission denied while trying to connect to the Gantry engine socket at ${host.address}: dial unix ${path}: connect: permission denied`;
  }
  return `Cannot connect to the Gantry engine at ${host.address}. Is gantryd running?`;
}

async function throwIfError(response: WireResponse): Promise<void> {
  if (response.status >= 200 && response.status < 400) return;
  const text = (await collect(response.body)).toString().trim();
  throw new EngineResponseError(response.status, errorText(text, response.status));
}

function errorText(body: string, status: number): string {
  if (body === '') {
    return `request returned ${status}, check if the server supports the requested API version`;
  }
  try {
    const parsed: unknown = JSON.parse(body);
    if (parsed !== null && typeof parsed === 'object' && 'message' in parsed && typeof parsed.message === 'string') {
      return parsed.message.trim();
    }
  } catch {
    // Not JSON: a proxy or an old engine; its text is all there is.
  }
  return body;
}

/** All bytes of a stream. */
export async function collect(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Compares `major.minor` versions; negative if `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

function queryText(query: Query = {}): string {
  const parts = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined || value === false || value === '') return [];
    const values = Array.isArray(value) ? value : [value === true ? '1' : String(value)];
    return values.map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`);
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
