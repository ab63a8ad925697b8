import { type FileHandle, open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { EngineError, systemError } from '../base/index.ts';
import {
  SHIM_PROTOCOL_VERSION,
  type ShimExit,
  ShimFile,
  ShimReply,
  ShimRequest,
  type ShimState,
  ShimStream,
} from '../contract/shim.ts';
import { readExitRecord } from './shim-files.ts';
import { decodeExit, decodeState, encodeFrame, encodeUint32, FrameReader, stdinFrames } from './shim-frames.ts';

export { readExitRecord, readProcessId, shimArguments } from './shim-files.ts';

/** errno(3): no such process. */
const ESRCH = 3;

/** The runtime could not start the process. `message` is the runtime's own; `status` its exit status, -1 without one. */
export class ShimStartError extends EngineError {
  readonly status: number;

  constructor(status: number, message: string) {
    super('system', message, { detail: { status } });
    this.status = status;
  }
}

/** Output of the process: `stream` is one that was attached to, `data` is valid for as long as it is held. */
export type ShimOutputListener = (stream: 'stdout' | 'stderr', data: Buffer) => void | Promise<void>;

/** A client's part in the stdio of the process. */
export interface ShimAttachment {
  /** Passes input on; resolves when more is welcome. Input is dropped once the process has gone or closed its end. */
  writeStdin(data: Buffer): Promise<void>;
  /** This client has no more input. With `stdinOnce`, the process's stdin ends. */
  closeStdin(): void;
}

interface Waiter<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A promise that may be rejected without anyone listening. */
function waiter<T>(): Waiter<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** The last error in a runtime's JSON log, or the whole text if it is no such log. */
export function runtimeMessage(text: string): string {
  let message: string | undefined;
  for (const line of text.split('\n')) {
    try {
      const entry: unknown = JSON.parse(line);
      if (typeof entry !== 'object' || entry === null || !('msg' in entry) || typeof entry.msg !== 'string') continue;
      if ('level' in entry && (entry.level === 'error' || entry.level === 'fatal')) message = entry.msg;
    } catch {
      // The first line may be cut, and a runtime that printed instead of logging has no JSON at all.
    }
  }
  return message ?? text.trim();
}

/**
 * One connection to a shim. Each attached session has one of its own, so that a slow client delays nobody else's news.
 *
 * Closing the connection has no effect on the process.
 */
export class ShimConnection {
  /** How the process ended. Rejects if the connection is lost first and there is no exit record either. */
  readonly exited: Promise<ShimExit>;
  readonly #socket: Socket;
  readonly #directory: string | undefined;
  readonly #reader: FrameReader;
  readonly #hello = waiter<ShimState>();
  readonly #started = waiter<{ pid: number }>();
  readonly #exited = waiter<ShimExit>();
  readonly #attached: Waiter<void>[] = [];
  readonly #signalled: Waiter<number>[] = [];
  readonly #states: Waiter<ShimState>[] = [];
  readonly #oomListeners = new Set<() => void>();
  #oom = false;
  #onOutput: ShimOutputListener | undefined;
  #closed = false;
  /** The output listener is not ready for more. */
  #paused = false;

  private constructor(socket: Socket, directory: string | undefined) {
    this.#socket = socket;
    this.#directory = directory;
    this.exited = this.#exited.promise;
    this.#reader = new FrameReader({
      output: (stream, data) => this.#output(stream, data),
      frame: (type, payload) => this.#frame(type, payload),
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // The close that follows is what counts; a shim that leaves while we write to it looks like EPIPE.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      if (!this.#paused) this.#lost();
    });
  }

  /**
   * Says hello over a connected socket: the engine's end of the shim's socket pair, or a connection to its shim.sock.
   *
   * @param directory the shim's, for its exit record in case the connection is lost
   */
  static async open(socket: Socket, directory?: string): Promise<ShimConnection> {
    const connection = new ShimConnection(socket, directory);
    connection.#send(ShimRequest.HELLO, 0, encodeUint32(SHIM_PROTOCOL_VERSION));
    await connection.#hello.promise;
    return connection;
  }

  /** Runs the process. Rejects with {@link ShimStartError} if the runtime cannot. Asking again gives the same answer. */
  start(): Promise<{ pid: number }> {
    this.#send(ShimRequest.START);
    return this.#started.promise;
  }

  /** The pid of the process as soon as some connection has started it; rejects like {@link start}. */
  get started(): Promise<{ pid: number }> {
    return this.#started.promise;
  }

  /**
   * Takes part in the stdio of the process, from its next byte on. Resolves when that is so.
   *
   * @param onOutput called for each piece; while a promise it returned is pending no more is read, which in the end
   *   holds up the process
   */
  async attach(
    streams: { readonly stdout?: boolean; readonly stderr?: boolean; readonly stdin?: boolean },
    onOutput?: ShimOutputListener,
  ): Promise<ShimAttachment> {
    const flags =
      (streams.stdout ? ShimStream.STDOUT : 0) |
      (streams.stderr ? ShimStream.STDERR : 0) |
      (streams.stdin ? ShimStream.STDIN : 0);
    this.#onOutput = onOutput;
    await this.#ask(this.#attached, ShimRequest.ATTACH, flags);
    return { writeStdin: (data) => this.#writeStdin(data), closeStdin: () => this.#send(ShimRequest.CLOSE_STDIN) };
  }

  /** Sets the size of the terminal; before the start, the size it will have. */
  resize(rows: number, columns: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt16LE(rows, 0);
    payload.writeUInt16LE(columns, 2);
    this.#send(ShimRequest.RESIZE, 0, payload);
  }

  /** Sends a signal (by number) to the process. Resolves to false if it is not running. */
  async signal(number: number): Promise<boolean> {
    const errno = await this.#ask(this.#signalled, ShimRequest.SIGNAL, 0, encodeUint32(number));
    if (errno !== 0 && errno !== ESRCH) throw systemError(`signal ${number} refused with errno ${errno}`);
    return errno === 0;
  }

  /** Where the process stands now. */
  state(): Promise<ShimState> {
    return this.#ask(this.#states, ShimRequest.STATE);
  }

  /** Calls back once when the kernel has killed a process of the container for its memory limit; at once if it has. */
  onOom(listener: () => void): void {
    if (this.#oom) listener();
    else this.#oomListeners.add(listener);
  }

  /** Leaves. The process, and whoever else is connected, do not notice. */
  close(): void {
    this.#onOutput = undefined;
    this.#socket.destroy();
  }

  #send(type: number, flags = 0, payload?: Uint8Array): void {
    if (!this.#closed) this.#socket.write(encodeFrame(type, flags, payload));
  }

  #ask<T>(queue: Waiter<T>[], type: number, flags = 0, payload?: Uint8Array): Promise<T> {
    if (this.#closed) return Promise.reject(connectionLost());
    const answer = waiter<T>();
    queue.push(answer);
    this.#send(type, flags, payload);
    return answer.promise;
  }

  async #writeStdin(data: Buffer): Promise<void> {
    if (this.#closed || data.length === 0) return;
    let more = true;
    this.#socket.cork();
    for (const part of stdinFrames(data)) more = this.#socket.write(part);
    this.#socket.uncork();
    if (more || this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  #read(chunk: Buffer): void {
    if (this.#reader.read(chunk)) {
      if (this.#closed) this.#lost();
    } else {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /** Returns false if the listener is not ready for more. */
  #output(stream: number, data: Buffer): boolean {
    const pending = this.#onOutput?.(stream === ShimStream.STDERR ? 'stderr' : 'stdout', data);
    if (pending === undefined) return true;
    const goOn = () => {
      this.#paused = false;
      this.#socket.resume();
      this.#read(Buffer.alloc(0));
    };
    pending.then(goOn, goOn);
    return false;
  }

  #frame(type: number, payload: Buffer): void {
    switch (type) {
      case ShimReply.HELLO:
        this.#welcome(decodeState(payload, 4));
        break;
      case ShimReply.STARTED:
        this.#started.resolve({ pid: payload.readInt32LE(0) });
        break;
      case ShimReply.FAILED:
        this.#fail(new ShimStartError(payload.readInt32LE(0), runtimeMessage(payload.toString('utf8', 4))));
        break;
      case ShimReply.ATTACHED:
        this.#attached.shift()?.resolve();
        break;
      case ShimReply.SIGNALLED:
        this.#signalled.shift()?.resolve(payload.readInt32LE(0));
        break;
      case ShimReply.STATE:
        this.#states.shift()?.resolve(decodeState(payload));
        break;
      case ShimReply.OOM:
        this.#noteOom();
        break;
      case ShimReply.EXIT:
        this.#exited.resolve(decodeExit(payload));
        break;
    }
  }

  #welcome(state: ShimState): void {
    if (state.oomKilled) this.#noteOom();
    if (state.pid > 0) this.#started.resolve({ pid: state.pid });
    this.#hello.resolve(state);
  }

  #noteOom(): void {
    this.#oom = true;
    for (const listener of this.#oomListeners) listener();
    this.#oomListeners.clear();
  }

  #fail(error: Error): void {
    this.#started.reject(error);
    this.#exited.reject(error);
  }

  /** Nothing more will come: what is still waited for ends here. */
  #lost(): void {
    const error = connectionLost();
    for (const one of [this.#hello, this.#started, ...this.#attached, ...this.#signalled, ...this.#states]) {
      one.reject(error);
    }
    const record = this.#directory === undefined ? Promise.resolve(undefined) : readExitRecord(this.#directory);
    record.then((exit) => (exit ? this.#exited.resolve(exit) : this.#exited.reject(error)), this.#exited.reject);
  }
}

function connectionLost(): EngineError {
  return systemError('the connection to the shim was lost');
}

/**
 * Connects to the shim of `directory`.
 *
 * Rejects with ENOENT or ECONNREFUSED in `code` if there is none (any more): then {@link readExitRecord} tells.
 */
export async function connectShim(directory: string): Promise<ShimConnection> {
  // A socket address holds 107 bytes of path (unix(7)); a shim's directory is longer.
  const folder = await open(directory, 'r');
  try {
    return await ShimConnection.open(await connectIn(folder), directory);
  } finally {
    await folder.close();
  }
}

function connectIn(folder: FileHandle): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(`/proc/self/fd/${folder.fd}/${ShimFile.SOCKET}`);
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.off('error', reject);
    resolve(socket);
  });
  return promise;
}
