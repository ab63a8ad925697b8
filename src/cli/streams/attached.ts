/** Connects this process's standard streams to a hijacked connection. */

import type { ReadStream } from 'node:tty';
import type { HijackedConnection } from '../client/engine-client.ts';
import { DetachScanner } from './detach-keys.ts';
import { type FrameSink, FrameSplitter } from './frames.ts';
import { inputIsTerminal, makeRaw } from './terminal.ts';

/** How to connect. */
export interface AttachedOptions {
  readonly connection: HijackedConnection;
  /** The far side is a terminal: output is not framed, and the local terminal becomes raw. */
  readonly tty: boolean;
  readonly input: boolean;
  readonly output: boolean;
  readonly detachKeys: Buffer;
  readonly sink: FrameSink;
}

/** Resolves when the far side has ended the stream, or the user has typed the detach keys. */
export async function runAttached(options: AttachedOptions): Promise<'ended' | 'detached'> {
  const { socket } = options.connection;
  const local = options.input ? new LocalInput(options) : undefined;
  try {
    const received = receive(options);
    if (local === undefined) {
      await received;
      return 'ended';
    }
    const typed = local.run();
    if (!options.output) return await Promise.race([typed, received.then(() => 'ended' as const)]);
    const first = await Promise.race([received.then(() => 'ended' as const), typed]);
    if (first === 'ended') await received;
    return first;
  } finally {
    local?.stop();
    socket.destroy();
  }
}

/** Writes what arrives to the sink; resolves at the end of the stream. */
function receive(options: AttachedOptions): Promise<void> {
  const { socket, head } = options.connection;
  const splitter = new FrameSplitter(options.sink);
  const deliver = (piece: Buffer) => (options.tty ? options.sink.out(piece) : splitter.feed(piece));
  return new Promise((resolve, reject) => {
    const take = (piece: Buffer) => {
      try {
        deliver(piece);
      } catch (error) {
        reject(error);
      }
    };
    if (head.length > 0) take(head);
    socket.on('data', take);
    socket.once('end', resolve);
    // A connection cut by the engine's end ends the stream as well; whoever waits for the container reports it.
    socket.once('close', () => resolve());
    // A short-lived process may be through before anybody listens: Node emits the end even of a paused, empty socket.
    if (socket.readableEnded || socket.destroyed) resolve();
    socket.resume();
  });
}

/** Standard input on its way to the connection. */
class LocalInput {
  readonly #options: AttachedOptions;
  readonly #stream = process.stdin as ReadStream;
  #raw = false;

  constructor(options: AttachedOptions) {
    this.#options = options;
    if (options.tty && inputIsTerminal()) {
      makeRaw(this.#stream);
      this.#raw = true;
    }
  }

  /** Resolves when the user detaches, or to 'ended' when input ends and nobody waits for output. */
  run(): Promise<'ended' | 'detached'> {
    const { connection, tty, detachKeys, output } = this.#options;
    const { socket } = connection;
    const scanner = tty ? new DetachScanner(detachKeys) : undefined;
    return new Promise((resolve) => {
      this.#stream.on('data', (piece: Buffer) => {
        const { data, detached } = scanner?.feed(piece) ?? { data: piece, detached: false };
        if (data.length > 0 && socket.writable && !socket.write(data)) {
          this.#stream.pause();
          socket.once('drain', () => this.#stream.resume());
        }
        if (detached) resolve('detached');
      });
      this.#stream.once('end', () => {
        socket.end();
        if (!output) resolve('ended');
      });
      this.#stream.once('error', () => socket.end());
    });
  }

  /** Leaves the terminal as it was. */
  stop(): void {
    this.#stream.pause();
    this.#stream.removeAllListeners('data');
    if (this.#raw) this.#stream.setRawMode(false);
  }
}
