/** `gantry attach` */

import type { ContainerInspect, ContainerStateView } from '../../../contract/docker/index.ts';
import { defineCommand, ExitError } from '../../command.ts';
import { text, toggle } from '../../options/flag.ts';
import { forwardSignals } from '../../streams/signals.ts';
import { requireTerminal, terminalSize } from '../../streams/terminal.ts';
import { containerSegment } from '../each.ts';
import { attach, converse, detachKeysOf, type ForegroundStreams, registerWait } from './foreground.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  operands: { min: 1, max: 1 },
  flags: {
    'detach-keys': text('Key sequence that detaches from the container'),
    'no-stdin': toggle('Do not connect standard input'),
    'sig-proxy': toggle('Pass signals on to the container', { initial: true }),
  },
  async run(session, { flags, operands }) {
    const { client } = session;
    const name = containerSegment(operands[0] ?? '');
    const container = await client.json<ContainerInspect>('GET', `/containers/${name}/json`);
    checkState(container.State);
    const { Tty: tty, OpenStdin } = container.Config;
    const streams: ForegroundStreams = {
      stdin: !flags['no-stdin'] && OpenStdin,
      stdout: true,
      stderr: true,
      tty,
      detachKeys: detachKeysOf(session, flags['detach-keys']),
    };
    requireTerminal(streams.stdin, tty);
    const id = container.Id;
    using _signals = flags['sig-proxy'] && !tty ? forwardSignals(client, id) : undefined;
    const wait = await registerWait(session, id, 'not-running');
    const connection = await attach(session, id, streams);
    const size = tty ? terminalSize() : undefined;
    if (size !== undefined) {
      // A program redraws its screen only when the size changes, so it is first given another one.
      const [h, w] = size;
      await client.call('POST', `/containers/${id}/resize`, { query: { h: h + 1, w: w + 1 } }).catch(() => undefined);
    }
    const ending = await converse(session, id, streams, connection);
    if (ending === 'detached') throw new ExitError('read escape sequence', 1);
    return wait.exitCode();
  },
});

function checkState(state: ContainerStateView): void {
  if (!state.Running) throw new ExitError('You cannot attach to a stopped container, start it first', 1);
  if (state.Paused) throw new ExitError('You cannot attach to a paused container, unpause it first', 1);
  if (state.Restarting) {
    throw new ExitError('You cannot attach to a restarting container, wait until it is running', 1);
  }
}
