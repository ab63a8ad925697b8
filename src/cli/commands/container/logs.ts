/** `gantry logs` */

import type { ContainerInspect } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { text, toggle } from '../../options/flag.ts';
import { toTimestamp } from '../../options/timestamp.ts';
import { FrameSplitter } from '../../streams/frames.ts';
import { containerSegment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  operands: { min: 1, max: 1 },
  flags: {
    details: toggle('Show the labels and variables the logging driver adds'),
    follow: toggle('Go on with new output', { shorthand: 'f' }),
    since: text('Only what came after this time ("2013-01-02T13:23:37Z") or in this time before now ("42m")'),
    tail: text('Number of lines from the end', { shorthand: 'n', initial: 'all' }),
    timestamps: toggle('Show when each line was printed', { shorthand: 't' }),
    until: text('Only what came before this time ("2013-01-02T13:23:37Z") or this long ago ("42m")'),
  },
  async run(session, { flags, operands }) {
    const { client, output } = session;
    const name = containerSegment(operands[0] ?? '');
    const container = await client.json<ContainerInspect>('GET', `/containers/${name}/json`);
    const { body } = await client.stream('GET', `/containers/${container.Id}/logs`, {
      query: {
        stdout: true,
        stderr: true,
        since: timestamp('since', flags.since),
        until: timestamp('until', flags.until),
        timestamps: flags.timestamps,
        follow: flags.follow,
        tail: flags.tail,
        details: flags.details,
      },
    });
    const splitter = new FrameSplitter(output);
    for await (const piece of body) {
      if (container.Config.Tty) output.out(piece);
      else splitter.feed(piece);
    }
    return 0;
  },
});

function timestamp(name: string, given: string): string | undefined {
  if (given === '') return undefined;
  try {
    return toTimestamp(given, Date.now());
  } catch (error) {
    throw new Error(`invalid value for "${name}": ${error instanceof Error ? error.message : error}`);
  }
}
