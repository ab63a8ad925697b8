/** Pulls bytes out of a socket one piece at a time, so that a parser can wait for them. */

import type { Socket } from 'node:net';

/** A socket read on demand. The socket is paused while nobody waits. */
export class ByteReader {
  readonly #socket: Socket;
  #pieces: Buffer[] = [];
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
  }

  /** The next bytes, or undefined at the end of the stream. Throws the socket's error. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) return piece;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.resume();
      });
    }
  }

  /** Gives bytes back, to be read next. */
  unread(piece: Buffer): void {
    if (piece.length > 0) this.#pieces.unshift(piece);
  }

  /** Stops reading; returns what was received and not read. The socket is left paused. */
  release(): Buffer {
    this.#socket.pause();
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    this.#socket.off('error', this.#onError);
    return Buffer.concat(this.#pieces);
  }

  readonly #onData = (piece: Buffer): void => {
    this.#pieces.push(piece);
    this.#socket.pause();
    this.#notify();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#notify();
  };

  readonly #onError = (error: Error): void => {
    this.#failure = error;
    this.#notify();
  };

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
