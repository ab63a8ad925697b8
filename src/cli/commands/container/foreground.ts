/** What `run`, `start -a` and `attach` share: a container's streams in this terminal, and its exit code. */

import type { WaitResponse } from '../../../contract/docker/index.ts';
import { collect } from '../../client/engine-client.ts';
import type { Session } from '../../session.ts';
import { runAttached } from '../../streams/attached.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../streams/detach-keys.ts';
import { outputIsTerminal, watchTerminalSize } from '../../streams/terminal.ts';

/** Exit code where the container's own cannot be learnt. */
const EXIT_UNKNOWN = 125;

/** Which streams of a container to connect. */
export interface ForegroundStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  readonly detachKeys: string;
}

/** Connects to the container's streams, before or after it starts. */
export function attach(session: Session, id: string, streams: ForegroundStreams) {
  return session.client.hijack('POST', `/containers/${id}/attach`, {
    query: {
      stream: true,
      stdin: streams.stdin,
      stdout: streams.stdout,
      stderr: streams.stderr,
      detachKeys: streams.detachKeys,
    },
  });
}

/** The keys that detach: of the flag, else of config.json, else docker's. */
export function detachKeysOf(session: Session, flag: string): string {
  return flag || session.config.detachKeys || '';
}

/** Runs the streams to their end, keeping the container's terminal as large as this one. */
export async function converse(
  session: Session,
  id: string,
  streams: ForegroundStreams,
  connection: Awaited<ReturnType<typeof attach>>,
): Promise<'ended' | 'detached'> {
  using _size =
    streams.tty && outputIsTerminal()
      ? watchTerminalSize((h, w) => session.client.call('POST', `/containers/${id}/resize`, { query: { h, w } }))
      : undefined;
  return await runAttached({
    connection,
    tty: streams.tty,
    input: streams.stdin,
    output: streams.stdout || streams.stderr,
    detachKeys: parseDetachKeys(streams.detachKeys || DEFAULT_DETACH_KEYS),
    sink: session.output,
  });
}

/** A wait that the engine has registered; `exitCode` resolves when the container has stopped. */
export interface PendingWait {
  exitCode(): Promise<number>;
}

/** Registers a wait. Resolves once the engine knows of it, so that no exit can be missed. */
export async function registerWait(
  session: Session,
  id: string,
  condition: 'next-exit' | 'removed' | 'not-running',
): Promise<PendingWait> {
  const { body } = await session.client.stream('POST', `/containers/${id}/wait`, { query: { condition } });
  const answer = collect(body).then(
    (bytes): WaitResponse => JSON.parse(bytes.toString()),
    (error: Error) => error,
  );
  return {
    async exitCode() {
      const result = await answer;
      if (!(result instanceof Error) && !result.Error?.Message) return result.StatusCode;
      const reason = result instanceof Error ? result.message : result.Error?.Message;
      session.output.error(`error waiting for container: ${reason}\n`);
      return EXIT_UNKNOWN;
    },
  };
}
