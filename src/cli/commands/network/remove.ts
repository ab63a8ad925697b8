/** `gantry network rm` */

import { isNotFound } from '../../client/engine-error.ts';
import { defineCommand } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { toggle } from '../../options/flag.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: 'NETWORK [NETWORK...]',
  operands: { min: 1 },
  flags: { force: toggle('Do not mind networks that do not exist', { shorthand: 'f' }) },
  async run(session, { flags, operands }) {
    let code = 0;
    for (const name of operands) {
      try {
        await session.client.call('DELETE', `/networks/${segment(name)}`);
        session.output.out(`${name}\n`);
      } catch (error) {
        if (flags.force && isNotFound(error)) continue;
        session.output.error(`${messageOf(error)}\n`);
        code = 1;
      }
    }
    return code;
  },
});
