/** `gantry rm` */

import { defineCommand } from '../../command.ts';
import { toggle } from '../../options/flag.ts';
import { containerSegment, forEachOperand } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1 },
  flags: {
    force: toggle('Kill and remove running containers too', { shorthand: 'f' }),
    link: toggle('Remove a link instead', { shorthand: 'l' }),
    volumes: toggle('Remove its anonymous volumes too', { shorthand: 'v' }),
  },
  run(session, { flags, operands }) {
    const query = { v: flags.volumes, link: flags.link, force: flags.force };
    return forEachOperand(
      session,
      operands,
      async (given) => {
        const name = given.replace(/^\/+|\/+$/g, '');
        if (name === '') throw new Error('container name cannot be empty');
        await session.client.call('DELETE', `/containers/${containerSegment(name)}`, { query });
        return given;
      },
      { missingIsFine: flags.force },
    );
  },
});
