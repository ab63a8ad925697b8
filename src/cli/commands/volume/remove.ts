/** `gantry volume rm` */

import { defineCommand } from '../../command.ts';
import { toggle } from '../../options/flag.ts';
import { forEachOperand, segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  operands: { min: 1 },
  flags: { force: toggle('Do not mind volumes that do not exist', { shorthand: 'f' }) },
  run: (session, { flags, operands }) =>
    forEachOperand(session, operands, async (name) => {
      await session.client.call('DELETE', `/volumes/${segment(name)}`, { query: { force: flags.force } });
      return name;
    }),
});
