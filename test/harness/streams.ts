import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** Bytes of the header before each frame of a multiplexed stream: stream number, three zeros, length (big-endian). */
const FRAME_HEADER = 8;

/** One frame of a multiplexed stream (Docker API, "Stream format" of container attach). */
export interface Frame {
  readonly stream: 'stdin' | 'stdout' | 'stderr' | 'system';
  readonly content: string;
}

/** Splits a multiplexed stream into its frames; throws when the bytes are not whole frames. */
export function frames(bytes: Buffer): Frame[] {
  const { complete, rest } = takeFrames(bytes);
  if (rest.length > 0) throw new Error(`${rest.length} bytes after the last whole frame: ${rest.toString('hex')}`);
  return complete;
}

function takeFrames(bytes: Buffer): { complete: Frame[]; rest: Buffer } {
  const complete: Frame[] = [];
  let offset = 0;
  while (offset + FRAME_HEADER <= bytes.length) {
    const stream = (['stdin', 'stdout', 'stderr', 'system'] as const)[bytes[offset] ?? -1];
    const padding = bytes.readUIntBE(offset + 1, 3);
    if (stream === undefined || padding !== 0)
      throw new Error(`not a frame header: ${bytes.subarray(offset, offset + FRAME_HEADER).toString('hex')}`);
    const length = bytes.readUInt32BE(offset + 4);
    if (offset + FRAME_HEADER + length > bytes.length) break;
    offset += FRAME_HEADER;
    complete.push({ stream, content: bytes.subarray(offset, offset + length).toString() });
    offset += length;
  }
  return { complete, rest: bytes.subarray(offset) };
}

/** What the frames carry, put together per stream. */
export function demultiplex(bytes: Buffer): { stdout: string; stderr: string } {
  const all = frames(bytes);
  const of = (stream: Frame['stream']) =>
    all
      .filter((frame) => frame.stream === stream)
      .map((frame) => frame.content)
      .join('');
  return { stdout: of('stdout'), stderr: of('stderr') };
}

/** How long a test waits for something to arrive on a stream. */
const ARRIVAL_TIMEOUT = 20_000;

/** Collects a stream and lets a test wait for what it expects of it. */
export class Collector {
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  #failure: Error | undefined;
  readonly #waiters = new Set<() => void>();
  readonly #source: Readable;

  constructor(source: Readable, initial: Buffer = Buffer.alloc(0)) {
    this.#source = source;
    this.#bytes = initial;
    source.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    source.on('error', (error) => {
      this.#failure = error;
      this.#wake();
    });
    source.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    source.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    source.resume(); // a socket was paused while its answer's head was taken off
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get text(): string {
    return this.#bytes.toString();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The whole frames that came so far, per stream. */
  get output(): { stdout: string; stderr: string } {
    const { rest } = takeFrames(this.#bytes);
    return demultiplex(this.#bytes.subarray(0, this.#bytes.length - rest.length));
  }

  /** The JSON documents, one per line, that came so far. */
  lines<T>(): T[] {
    const whole = this.text.slice(0, this.text.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as T);
  }

  /** Waits until `condition` holds; fails with what came instead when the stream ends or nothing happens in time. */
  until(condition: (collector: this) => boolean, what = 'the expected data'): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      if (condition(this)) settle(resolve);
      else if (this.#failure !== undefined) settle(() => reject(this.#failure));
      else if (this.#ended)
        settle(() => reject(new Error(`stream ended before ${what}: ${JSON.stringify(this.text)}`)));
    };
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no ${what} in ${ARRIVAL_TIMEOUT} ms: ${JSON.stringify(this.text)}`))),
      ARRIVAL_TIMEOUT,
    );
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      this.#waiters.delete(check);
      finish();
    };
    this.#waiters.add(check);
    check();
    return promise;
  }

  /** Waits until the bytes so far contain `text`. */
  contains(text: string): Promise<void> {
    return this.until((collector) => collector.text.includes(text), JSON.stringify(text));
  }

  /** Waits for the end of the stream. */
  end(): Promise<void> {
    return this.until((collector) => collector.#ended, 'the end');
  }

  close(): void {
    this.#source.destroy();
  }
}

/** A connection taken over by attach or exec: the answer's head, and the raw stream behind it. */
export interface Hijacked {
  readonly status: number;
  /** Status line and header lines as they came. */
  readonly head: string;
  readonly received: Collector;
  write(data: string | Buffer): void;
  /** Closes our direction only: the container's stdin ends, its output goes on. */
  endInput(): void;
  close(): void;
}

export interface HijackOptions {
  readonly body?: object;
  /** false: no `Upgrade` header, the way clients before API 1.20 asked; the engine answers 200 instead of 101. */
  readonly upgrade?: boolean;
}

/** Sends a request whose connection becomes a byte stream after the answer's head. */
export async function hijack(
  socketPath: string,
  method: string,
  path: string,
  options: HijackOptions = {},
): Promise<Hijacked> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  const body = options.body === undefined ? '' : JSON.stringify(options.body);
  const upgrade = options.upgrade === false ? '' : 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
  const length = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: engine\r\n${upgrade}${length}\r\n${body}`);
  const { head, rest } = await readHead(socket);
  const received = new Collector(socket, rest);
  return {
    status: Number(head.split(' ')[1]),
    head,
    received,
    write: (data) => void socket.write(data),
    endInput: () => void socket.end(),
    close: () => void socket.destroy(),
  };
}

function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ head: string; rest: Buffer }>();
  let bytes = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1) return;
    socket.off('data', onData);
    socket.pause();
    resolve({ head: bytes.subarray(0, end).toString(), rest: bytes.subarray(end + 4) });
  };
  socket.on('data', onData);
  socket.on('error', reject);
  // A half-open socket whose other end has died ends without closing.
  for (const event of ['end', 'close']) {
    socket.on(event, () => reject(new Error(`closed before the answer's head: ${bytes.toString()}`)));
  }
  return promise;
}
