/** `gantry network inspect` */

import { defineCommand } from '../../command.ts';
import { inspectAll } from '../../format/inspect.ts';
import { text, toggle } from '../../options/flag.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  operands: { min: 1 },
  flags: {
    format: text("Format with 'json' or a Go template", { shorthand: 'f' }),
    verbose: toggle('Show details for diagnosis', { shorthand: 'v' }),
  },
  run: (session, { flags, operands }) =>
    inspectAll(session.output, operands, flags.format, (name) =>
      session.client.text('GET', `/networks/${segment(name)}`, { query: { verbose: flags.verbose } }),
    ),
});
