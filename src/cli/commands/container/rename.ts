/** `gantry rename` */

import { defineCommand, ExitError } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { containerSegment } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER NEW_NAME',
  operands: { min: 2, max: 2 },
  flags: {},
  async run(session, { operands }) {
    const [name = '', newName = ''] = operands.map((operand) => operand.trim());
    if (name === '' || newName === '') {
      throw new ExitError('Error: Neither old nor new names may be empty', 1);
    }
    try {
      await session.client.call('POST', `/containers/${containerSegment(name)}/rename`, { query: { name: newName } });
    } catch (error) {
      throw new ExitError(`${messageOf(error)}\nError: failed to rename container named ${name}`, 1);
    }
    return 0;
  },
});
