/** `gantry container inspect` */

import { defineCommand } from '../../command.ts';
import { inspectAll } from '../../format/inspect.ts';
import { text, toggle } from '../../options/flag.ts';
import { containerSegment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1 },
  flags: {
    format: text("Format with 'json' or a Go template", { shorthand: 'f' }),
    size: toggle('Include the sizes of its files', { shorthand: 's' }),
  },
  run: (session, { flags, operands }) =>
    inspectAll(session.output, operands, flags.format, async (name) =>
      session.client.text('GET', `/containers/${containerSegment(name)}/json`, { query: { size: flags.size } }),
    ),
});
