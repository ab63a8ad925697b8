/** `gantry kill` */

import { defineCommand } from '../../command.ts';
import { text } from '../../options/flag.ts';
import { containerSegment, forEachOperand } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1 },
  flags: { signal: text('Signal to send', { shorthand: 's' }) },
  run: (session, { flags, operands }) =>
    forEachOperand(session, operands, async (name) => {
      const query = { signal: flags.signal };
      await session.client.call('POST', `/containers/${containerSegment(name)}/kill`, { query });
      return name;
    }),
});
