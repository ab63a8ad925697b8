import type { Duplex } from 'node:stream';

/** Media types of attach, exec and logs streams (Docker API v1.42 and later name them; older clients expect the first). */
export const RAW_STREAM = 'application/vnd.docker.raw-stream';
export const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

/** Answers 101 and gives the socket back for streaming. */
export function upgradedResponse(
  socket: Duplex,
  contentType: string,
  headers: Readonly<Record<string, string>>,
): Duplex {
  socket.write(
    `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${lines(headers)}\r\n`,
  );
  return socket;
}

/** Answers 200 with a body that ends with the connection, and gives the socket back for streaming. */
export function rawStreamResponse(
  socket: Duplex,
  contentType: string,
  headers: Readonly<Record<string, string>>,
): Duplex {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\n${lines(headers)}\r\n`);
  return socket;
}

function lines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .filter(([name]) => name.toLowerCase() !== 'connection')
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
