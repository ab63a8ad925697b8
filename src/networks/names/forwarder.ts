import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6, type Socket } from 'node:net';

export const DNS_PORT = 53;

/** How long one server may take: dockerd's `extIOTimeout`. */
const SERVER_TIMEOUT_MILLISECONDS = 4000;

/** resolv.conf(5): MAXNS. */
const SERVER_LIMIT = 3;

/** Low four bits of the fourth byte of a message: its response code. */
const CODE_OFFSET = 3;
const CODE_MASK = 0x0f;
/** RFC 1035: the server could not, or would not. Another may. */
const TRY_ANOTHER: readonly number[] = [2, 5];

const LENGTH_SIZE = 2;

/**
 * Asks servers in turn, over the asker's own transport (a truncated answer over UDP makes the asker come back over TCP).
 * Resolves to the first useful answer as it came, else to the last useless one, else to undefined.
 */
export async function forward(
  query: Buffer,
  transport: 'udp' | 'tcp',
  servers: readonly string[],
  port = DNS_PORT,
): Promise<Buffer | undefined> {
  let last: Buffer | undefined;
  for (const server of servers.slice(0, SERVER_LIMIT)) {
    const answer = await (transport === 'udp' ? askUdp : askTcp)(query, server, port).catch(() => undefined);
    if (answer === undefined) continue;
    if (!TRY_ANOTHER.includes((answer[CODE_OFFSET] ?? 0) & CODE_MASK)) return answer;
    last = answer;
  }
  return last;
}

/** A socket per question: its random port is part of what a forger would have to guess. */
async function askUdp(query: Buffer, server: string, port: number): Promise<Buffer> {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
  try {
    const signal = AbortSignal.timeout(SERVER_TIMEOUT_MILLISECONDS);
    socket.connect(port, server);
    await once(socket, 'connect', { signal });
    socket.send(query);
    for (;;) {
      const [answer] = (await once(socket, 'message', { signal })) as [Buffer];
      if (isAnswerTo(query, answer)) return answer;
    }
  } finally {
    socket.close();
  }
}

async function askTcp(query: Buffer, server: string, port: number): Promise<Buffer> {
  const socket = connect({ host: server, port, timeout: SERVER_TIMEOUT_MILLISECONDS });
  socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
  try {
    await once(socket, 'connect');
    socket.write(frame(query));
    for await (const answer of readFrames(socket)) {
      if (isAnswerTo(query, answer)) return answer;
    }
    throw new Error('closed without an answer');
  } finally {
    socket.destroy();
  }
}

/** A message as it travels over TCP: two bytes of length first. */
export function frame(message: Buffer): Buffer {
  const header = Buffer.alloc(LENGTH_SIZE);
  header.writeUInt16BE(message.length);
  return Buffer.concat([header, message]);
}

/** The messages of a TCP stream. */
export async function* readFrames(socket: Socket): AsyncGenerator<Buffer> {
  let pending = Buffer.alloc(0);
  for await (const chunk of socket) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= LENGTH_SIZE && pending.length >= LENGTH_SIZE + pending.readUInt16BE(0)) {
      const end = LENGTH_SIZE + pending.readUInt16BE(0);
      yield pending.subarray(LENGTH_SIZE, end);
      pending = pending.subarray(end);
    }
  }
}

function isAnswerTo(query: Buffer, answer: Buffer): boolean {
  return answer.length > CODE_OFFSET && answer.readUInt16BE(0) === query.readUInt16BE(0);
}
