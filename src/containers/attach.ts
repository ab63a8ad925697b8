import { conflict, isKind } from '../base/index.ts';
import type { ShimAttachment, ShimConnection } from '../runtime/index.ts';
import { announce } from './announce.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';
import { readLogs } from './logs.ts';
import { connectProcess } from './process.ts';

/** A client's end of a process's streams. */
export interface ClientStream {
  /** Passes output to the client; a promise asks for a pause until it settles. */
  write(stream: 'stdout' | 'stderr', data: Buffer): Promise<void> | undefined;
  /** What the client sends; ends when it half-closes. */
  readonly input: AsyncIterable<Buffer>;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** No more output will come. */
  end(): void;
}

/** Which streams a client takes part in. */
export interface StreamChoice {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface AttachRequest extends StreamChoice {
  /** Also what was logged so far. */
  readonly logs: boolean;
  /** Also what comes from now on. */
  readonly stream: boolean;
  readonly detachKeys: string;
}

/** A client waiting for, or taking part in, the streams of a process. */
export class Attachment {
  readonly #choice: StreamChoice;
  readonly #detachKeys: Buffer;
  readonly #client: ClientStream;
  readonly #ended = Promise.withResolvers<'ended' | 'detached'>();

  constructor(choice: StreamChoice, detachKeys: string, client: ClientStream) {
    this.#choice = choice;
    this.#detachKeys = parseDetachKeys(detachKeys);
    this.#client = client;
    client.signal.addEventListener('abort', () => this.#ended.resolve('ended'));
  }

  /** How the client's part came to its end. */
  get ended(): Promise<'ended' | 'detached'> {
    return this.#ended.promise;
  }

  /** Joins the process behind `connection`, which this owns from now on; resolves once no byte can be missed. */
  async join(connection: ShimConnection, options: { ownsConnection: boolean }): Promise<void> {
    const shim = await connection.attach(this.#choice, (stream, data) => this.#client.write(stream, data));
    const finish = () => this.#ended.resolve('ended');
    // A start that fails is told to the client by whoever owns the connection.
    connection.exited.then(finish, options.ownsConnection ? finish : () => {});
    if (this.#choice.stdin) void this.#forwardInput(shim);
    void this.#ended.promise.then(() => {
      if (options.ownsConnection) connection.close();
      this.#client.end();
    });
  }

  /** The process will not come. */
  abandon(): void {
    this.#ended.resolve('ended');
    this.#client.end();
  }

  async #forwardInput(shim: ShimAttachment): Promise<void> {
    const filter = new DetachFilter(this.#detachKeys);
    try {
      for await (const data of this.#client.input) {
        const { passed, detached } = filter.push(data);
        if (passed.length > 0) await shim.writeStdin(passed);
        if (detached) return this.#ended.resolve('detached');
      }
    } catch {
      // The client broke off: for the process that is the same as the end of its input.
    }
    shim.closeStdin();
  }
}

/**
 * Connects a client to the container's streams: at once if it runs, else as soon as it starts. `onReady` is called when
 * everything is checked and the answer's head may be sent; the promise settles when the client's part is over.
 */
export async function attachContainer(
  context: ContainerContext,
  idOrName: string,
  request: AttachRequest,
  onReady: () => ClientStream,
): Promise<void> {
  const container = context.store.get(idOrName);
  requireAttachable(container);
  parseDetachKeys(request.detachKeys);
  const client = onReady();
  announce(context, container, 'attach');
  if (request.logs) await replay(context, container, request, client);
  if (!request.stream) return client.end();
  const { OpenStdin: openStdin } = container.record.config;
  const attachment = new Attachment({ ...request, stdin: request.stdin && openStdin }, request.detachKeys, client);
  container.waitingAttachments.add(attachment);
  try {
    if (container.phase.name === 'running') await joinWaiting(context, container);
    if ((await attachment.ended) === 'detached') announce(context, container, 'detach');
  } finally {
    container.waitingAttachments.delete(attachment);
  }
}

/** Joins every waiting client to the container's process. */
export async function joinWaiting(context: ContainerContext, container: Container): Promise<void> {
  const waiting = [...container.waitingAttachments];
  container.waitingAttachments.clear();
  await Promise.all(
    waiting.map(async (attachment) => {
      try {
        const connection = await connectProcess(context, container.id);
        await attachment.join(connection, { ownsConnection: true });
      } catch (error) {
        context.log.warn({ container: container.id, error }, 'a client could not be attached');
        attachment.abandon();
      }
    }),
  );
}

function requireAttachable(container: Container): void {
  const { phase } = container;
  if (phase.name === 'running' && phase.paused) {
    throw conflict(`container ${container.id} is paused, unpause the container before attach`);
  }
  if (phase.name === 'restarting') {
    throw conflict(`container ${container.id} is restarting, wait until the container is running`);
  }
}

async function replay(
  context: ContainerContext,
  container: Container,
  request: AttachRequest,
  client: ClientStream,
): Promise<void> {
  try {
    const entries = readLogs(context, container.id, {
      stdout: request.stdout,
      stderr: request.stderr,
      follow: false,
      signal: client.signal,
    });
    for await (const entry of entries) await client.write(entry.stream, Buffer.from(entry.line));
  } catch (error) {
    if (!isKind(error, 'notImplemented')) throw error;
  }
}
