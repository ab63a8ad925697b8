/** `gantry volume inspect` */

import { defineCommand } from '../../command.ts';
import { inspectAll } from '../../format/inspect.ts';
import { text } from '../../options/flag.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  operands: { min: 1 },
  flags: { format: text("Format with 'json' or a Go template", { shorthand: 'f' }) },
  run: (session, { flags, operands }) =>
    inspectAll(session.output, operands, flags.format, (name) =>
      session.client.text('GET', `/volumes/${segment(name)}`),
    ),
});
