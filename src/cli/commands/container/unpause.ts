/** `gantry unpause` */

import { defineCommand } from '../../command.ts';
import { containerSegment, forEachOperand } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  operands: { min: 1 },
  flags: {},
  run: (session, { operands }) =>
    forEachOperand(session, operands, async (name) => {
      await session.client.call('POST', `/containers/${containerSegment(name)}/unpause`);
      return name;
    }),
});
