/**
 * HTTP/1.1 for one engine, over node:net. Node's own client costs 5 ms of a 25 ms start (40 ms when imported as an ES
 * module, which reads every lazy export), and cannot hand over a 200 answer as a raw stream, which docker's attach needs.
 */

import type { Socket } from 'node:net';
import { ByteReader } from './byte-reader.ts';

/** A request on the wire. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array> | undefined;
}

/** An answer whose body is still to be read. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body, decoded. */
  readonly body: AsyncGenerator<Buffer, void, void>;
  /** True once the body is read and the connection may serve another request. */
  reusable(): boolean;
  /** Takes the connection over from here on; `head` is what was already received. */
  detach(): { socket: Socket; head: Buffer };
}

const HEADER_END = Buffer.from('\r\n\r\n');
/** More than any engine sends; guards against a peer that speaks something else. */
const MAX_HEADER_BYTES = 256 * 1024;

/** Sends a request and reads the answer's header. A streamed body goes on being sent while the answer is read. */
export async function exchange(socket: Socket, request: WireRequest): Promise<WireResponse> {
  const reader = new ByteReader(socket);
  sendHead(socket, request);
  if (request.body !== undefined && typeof request.body !== 'string') {
    // The engine may answer before it has read everything; its answer, not our broken pipe, tells what went wrong.
    sendChunks(socket, request.body).catch((error: Error) => socket.destroy(error));
  }
  for (;;) {
    const response = await readHead(reader);
    const { status } = response;
    if (status >= 100 && status < 200 && status !== 101) continue;
    return withBody(socket, reader, response, request.method);
  }
}

function sendHead(socket: Socket, request: WireRequest): void {
  const headers: Record<string, string> = { ...request.headers };
  let tail = '';
  if (typeof request.body === 'string') {
    headers['Content-Length'] = String(Buffer.byteLength(request.body));
    tail = request.body;
  } else if (request.body !== undefined) {
    headers['Transfer-Encoding'] = 'chunked';
  } else if (request.method === 'POST' || request.method === 'PUT') {
    headers['Content-Length'] = '0';
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n${tail}`);
}

async function sendChunks(socket: Socket, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of body) {
    if (socket.destroyed) return;
    if (piece.length === 0) continue;
    socket.write(`${piece.length.toString(16)}\r\n`);
    socket.write(piece);
    if (!socket.write('\r\n')) {
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', resolve);
      });
    }
  }
  socket.write('0\r\n\r\n');
}

interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
}

async function readHead(reader: ByteReader): Promise<Head> {
  let received: Buffer = Buffer.alloc(0);
  for (;;) {
    const piece = await reader.next();
    if (piece === undefined) throw new Error('EOF');
    received = received.length === 0 ? piece : Buffer.concat([received, piece]);
    const end = received.indexOf(HEADER_END);
    if (end >= 0) {
      reader.unread(received.subarray(end + HEADER_END.length));
      return parseHead(received.toString('latin1', 0, end));
    }
    if (received.length > MAX_HEADER_BYTES) throw new Error('malformed HTTP response');
  }
}

/** Parses a status line and header lines; names come out in lower case. */
export function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1];
  if (status === undefined) throw new Error(`malformed HTTP response ${JSON.stringify(statusLine)}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(status), headers };
}

function withBody(socket: Socket, reader: ByteReader, head: Head, method: string): WireResponse {
  const { status, headers } = head;
  const empty = method === 'HEAD' || status === 204 || status === 304;
  const chunked = headers['transfer-encoding']?.toLowerCase() === 'chunked';
  const length = headers['content-length'];
  const delimited = empty || chunked || length !== undefined;
  const keepAlive = delimited && headers.connection?.toLowerCase() !== 'close';
  const state = { finished: false };
  async function* body(): AsyncGenerator<Buffer, void, void> {
    if (empty) state.finished = true;
    else if (chunked) yield* readChunked(reader);
    else yield* readPlain(reader, length === undefined ? Number.POSITIVE_INFINITY : Number(length));
    state.finished = true;
  }
  return {
    status,
    headers,
    body: body(),
    reusable() {
      if (!state.finished || !keepAlive) return false;
      reader.release();
      return true;
    },
    detach: () => ({ socket, head: reader.release() }),
  };
}

async function* readPlain(reader: ByteReader, length: number): AsyncGenerator<Buffer, void, void> {
  for (let left = length; left > 0; ) {
    const piece = await reader.next();
    if (piece === undefined) {
      if (Number.isFinite(left)) throw new Error('unexpected EOF');
      return;
    }
    if (piece.length > left) reader.unread(piece.subarray(left));
    const part = piece.subarray(0, left);
    left -= part.length;
    yield part;
  }
}

async function* readChunked(reader: ByteReader): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    const size = Number.parseInt(await readLine(reader), 16);
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('malformed chunked encoding');
    if (size > 0) yield* readPlain(reader, size);
    if (size === 0) {
      // Trailers end with an empty line; engines send none, or ones that nobody reads.
      while ((await readLine(reader)) !== '');
      return;
    }
    await readLine(reader);
  }
}

async function readLine(reader: ByteReader): Promise<string> {
  let line: Buffer = Buffer.alloc(0);
  for (;;) {
    const piece = await reader.next();
    if (piece === undefined) throw new Error('unexpected EOF');
    line = line.length === 0 ? piece : Buffer.concat([line, piece]);
    const end = line.indexOf('\n');
    if (end >= 0) {
      reader.unread(line.subarray(end + 1));
      return line.toString('latin1', 0, end).replace(/\r$/, '');
    }
    if (line.length > MAX_HEADER_BYTES) throw new Error('malformed chunked encoding');
  }
}
