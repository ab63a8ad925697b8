/** `gantry start` */

import type { ContainerInspect } from '../../../contract/docker/index.ts';
import { defineCommand, ExitError } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { text, toggle } from '../../options/flag.ts';
import type { Session } from '../../session.ts';
import { forwardSignals } from '../../streams/signals.ts';
import { requireTerminal } from '../../streams/terminal.ts';
import { containerSegment } from '../each.ts';
import { attach, converse, detachKeysOf, type ForegroundStreams, registerWait } from './foreground.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1 },
  flags: {
    attach: toggle('Show its output and pass signals on', { shorthand: 'a' }),
    'detach-keys': text('Key sequence that detaches from the container'),
    interactive: toggle('Connect standard input', { shorthand: 'i' }),
  },
  async run(session, { flags, operands }) {
    if (!flags.attach && !flags.interactive) return startAll(session, operands);
    const [name = ''] = operands;
    if (operands.length > 1) throw new ExitError('you cannot start and attach multiple containers at once', 1);
    return startAttached(session, name, flags.interactive, flags['detach-keys']);
  },
});

async function startAll(session: Session, names: readonly string[]): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await session.client.call('POST', `/containers/${containerSegment(name)}/start`);
      session.output.out(`${name}\n`);
    } catch (error) {
      session.output.error(`${messageOf(error)}\n`);
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new ExitError(`Error: failed to start containers: ${failed.join(', ')}`, 1);
  return 0;
}

async function startAttached(
  session: Session,
  name: string,
  interactive: boolean,
  detachKeys: string,
): Promise<number> {
  const { client } = session;
  const container = await client.json<ContainerInspect>('GET', `/containers/${containerSegment(name)}/json`);
  const id = container.Id;
  const { Tty: tty, OpenStdin } = container.Config;
  const streams: ForegroundStreams = {
    stdin: interactive && OpenStdin,
    stdout: true,
    stderr: true,
    tty,
    detachKeys: detachKeysOf(session, detachKeys),
  };
  requireTerminal(streams.stdin, tty);
  using _signals = tty ? undefined : forwardSignals(client, id);
  const [connection, wait] = await Promise.all([
    attach(session, id, streams),
    registerWait(session, id, container.HostConfig.AutoRemove ? 'removed' : 'next-exit'),
  ]);
  try {
    await client.call('POST', `/containers/${id}/start`);
  } catch (error) {
    connection.socket.destroy();
    throw error;
  }
  const ending = await converse(session, id, streams, connection);
  return ending === 'detached' ? 0 : wait.exitCode();
}
