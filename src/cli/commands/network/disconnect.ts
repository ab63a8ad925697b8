/** `gantry network disconnect` */

import { defineCommand } from '../../command.ts';
import { toggle } from '../../options/flag.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  operands: { min: 2, max: 2 },
  flags: { force: toggle('Disconnect a container that does not exist any more', { shorthand: 'f' }) },
  async run(session, { flags, operands }) {
    const [network = '', container = ''] = operands;
    await session.client.call('POST', `/networks/${segment(network)}/disconnect`, {
      json: { Container: container, Force: flags.force },
    });
    return 0;
  },
});
