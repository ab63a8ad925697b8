/** `gantry image inspect` */

import { defineCommand } from '../../command.ts';
import { inspectAll } from '../../format/inspect.ts';
import { text } from '../../options/flag.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  operands: { min: 1 },
  flags: {
    format: text("Format with 'json' or a Go template", { shorthand: 'f' }),
    platform: text('Platform of the image (os[/arch[/variant]])'),
  },
  run: (session, { flags, operands }) =>
    inspectAll(session.output, operands, flags.format, (name) =>
      session.client.text('GET', `/images/${segment(name)}/json`, { query: { platform: flags.platform } }),
    ),
});
