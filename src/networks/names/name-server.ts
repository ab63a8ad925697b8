import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../../base/index.ts';
import { answerFromTable, fitForUdp, parseQuestion, type Question, serverFailure } from './answer.ts';
import { forward, frame, readFrames } from './forwarder.ts';
import type { NamesView } from './name-table.ts';

/** Questions on their way to other servers, of all containers together: dockerd allows each 1024. */
const FORWARD_LIMIT = 1024;

/** How long a container may keep a TCP connection without asking. */
const TCP_IDLE_MILLISECONDS = 10_000;

/** The two sockets bound inside a sandbox's namespace. They belong to the name server from then on. */
export interface NamesSockets {
  readonly udp: number;
  readonly tcp: number;
}

interface Service {
  readonly udp: DatagramSocket;
  readonly tcp: Server;
  readonly connections: Set<Socket>;
}

/** Answers the questions that containers send to 127.0.0.11. */
export class NameServer implements AsyncDisposable {
  readonly #names: NamesView;
  readonly #hostServers: () => Promise<readonly string[]>;
  readonly #log: Log;
  readonly #services = new Map<string, Service>();
  #forwarding = 0;

  /** @param hostServers the servers of the host's resolv.conf, asked for anew for each question */
  constructor(names: NamesView, hostServers: () => Promise<readonly string[]>, log: Log) {
    this.#names = names;
    this.#hostServers = hostServers;
    this.#log = log;
  }

  /** Starts to answer a sandbox. */
  serve(sandboxId: string, sockets: NamesSockets): void {
    const connections = new Set<Socket>();
    const udp = createSocket('udp4');
    const report = (error: unknown) => this.#log.warn({ sandbox: sandboxId, err: error }, 'name server socket failed');
    udp.on('error', report);
    udp.on('message', async (datagram, { port, address }) => {
      const answer = await this.#answer(sandboxId, datagram, 'udp');
      // The container may be gone by now, and the socket with it.
      if (answer !== undefined && this.#services.get(sandboxId)?.udp === udp) udp.send(answer, port, address, () => {});
    });
    udp.bind({ fd: sockets.udp });
    const tcp = createServer((connection) => {
      connections.add(connection);
      connection.on('close', () => connections.delete(connection));
      connection.on('error', () => connection.destroy());
      connection.setTimeout(TCP_IDLE_MILLISECONDS, () => connection.destroy());
      this.#converse(sandboxId, connection).catch(() => connection.destroy());
    });
    tcp.on('error', report);
    tcp.listen({ fd: sockets.tcp });
    this.#services.set(sandboxId, { udp, tcp, connections });
  }

  /** Stops answering a sandbox and closes its sockets; fine if it was not served. */
  stop(sandboxId: string): void {
    const service = this.#services.get(sandboxId);
    if (service === undefined) return;
    this.#services.delete(sandboxId);
    service.udp.close();
    service.tcp.close();
    for (const connection of service.connections) connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sandboxId of [...this.#services.keys()]) this.stop(sandboxId);
  }

  async #converse(sandboxId: string, connection: Socket): Promise<void> {
    for await (const message of readFrames(connection)) {
      const answer = await this.#answer(sandboxId, message, 'tcp');
      if (answer !== undefined) connection.write(frame(answer));
    }
  }

  async #answer(sandboxId: string, message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const question = parseQuestion(message);
    if (question === undefined) return undefined;
    try {
      const local = answerFromTable(question, sandboxId, this.#names);
      if (local !== undefined) return transport === 'udp' ? fitForUdp(question, local) : local;
      return (await this.#forward(sandboxId, message, transport)) ?? serverFailure(question);
    } catch (error) {
      this.#log.warn({ sandbox: sandboxId, question: question.name, err: error }, 'question failed');
      return failureOrNothing(question);
    }
  }

  async #forward(sandboxId: string, message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const upstream = this.#names.upstream(sandboxId);
    if (upstream === undefined || this.#forwarding >= FORWARD_LIMIT) return undefined;
    this.#forwarding += 1;
    try {
      return await forward(message, transport, upstream === 'host' ? await this.#hostServers() : upstream);
    } finally {
      this.#forwarding -= 1;
    }
  }
}

function failureOrNothing(question: Question): Buffer | undefined {
  try {
    return serverFailure(question);
  } catch {
    return undefined;
  }
}
