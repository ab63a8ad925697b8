import type { Duplex } from 'node:stream';
import type { ClientStream } from '../../containers/index.ts';
import { type Exchange, frame, isAtLeast, MULTIPLEXED_STREAM, RAW_STREAM } from '../http/index.ts';

/** First API version whose answers say whether a stream is multiplexed. */
const NAMES_MULTIPLEXING = 42;

/** Whether the client wants each piece of output marked with its stream: only a terminal's is raw. */
export function streamContentType(exchange: Exchange, terminal: boolean): string {
  return !terminal && isAtLeast(exchange.version, NAMES_MULTIPLEXING) ? MULTIPLEXED_STREAM : RAW_STREAM;
}

/** Takes the connection over as a client's end of a process's streams. */
export function hijackedStream(exchange: Exchange, terminal: boolean): ClientStream {
  const socket = exchange.hijack(streamContentType(exchange, terminal));
  return {
    write: (stream, data) => writeWithPause(socket, terminal ? data : frame(stream, data)),
    input: inputOf(socket),
    signal: exchange.signal,
    end: () => {
      // The client may keep its half open for ever; whatever it still sends is read and dropped until it closes.
      socket.end(() => socket.destroy());
    },
  };
}

/** Writes, and gives a promise if the receiver is behind; it settles when it has caught up or gone. */
export function writeWithPause(target: NodeJS.WritableStream, data: Uint8Array | string): Promise<void> | undefined {
  if (target.write(data)) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      target.off('drain', done);
      target.off('close', done);
      resolve();
    };
    target.on('drain', done);
    target.on('close', done);
  });
}

async function* inputOf(socket: Duplex): AsyncGenerator<Buffer> {
  // iterator({destroyOnReturn: false}): the end of the input must not end the output.
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) yield chunk;
}
