/** `gantry restart` */

import { defineCommand } from '../../command.ts';
import { text } from '../../options/flag.ts';
import { integer } from '../../options/numbers.ts';
import { containerSegment, forEachOperand } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1 },
  flags: {
    signal: text('Signal to stop it with', { shorthand: 's' }),
    time: {
      ...integer('Seconds to wait before killing it', { hidden: true }),
      deprecated: 'use --timeout instead',
    },
    timeout: integer('Seconds to wait before killing it', { shorthand: 't' }),
  },
  run(session, { flags, changed, operands }) {
    if (changed.has('time') && changed.has('timeout')) {
      throw new Error('conflicting options: cannot specify both --timeout and --time');
    }
    const t = changed.has('timeout') ? flags.timeout : changed.has('time') ? flags.time : undefined;
    return forEachOperand(session, operands, async (name) => {
      const query = { signal: flags.signal, t };
      await session.client.call('POST', `/containers/${containerSegment(name)}/restart`, { query });
      return name;
    });
  },
});
