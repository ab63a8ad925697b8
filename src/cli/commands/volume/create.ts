/** `gantry volume create` */

import type { Volume } from '../../../contract/docker/index.ts';
import { defineCommand, ExitError } from '../../command.ts';
import { readLabels } from '../../options/environment.ts';
import { list, pairs, text } from '../../options/flag.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  operands: { min: 0, max: 1 },
  flags: {
    driver: text('Volume driver', { shorthand: 'd', initial: 'local' }),
    label: list('Set a label'),
    name: text('Name of the volume', { hidden: true }),
    opt: pairs('Option of the driver', { shorthand: 'o' }),
  },
  async run(session, { flags, changed, operands }) {
    const [name = ''] = operands;
    if (name !== '' && flags.name !== '' && name !== flags.name) {
      throw new ExitError(
        'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
        1,
      );
    }
    const volume = await session.client.json<Volume>('POST', '/volumes/create', {
      json: {
        Name: name || flags.name,
        Driver: flags.driver,
        // The engine stores what it is sent: nothing and an empty set are not the same in `inspect`.
        ...(changed.has('opt') ? { DriverOpts: flags.opt } : {}),
        ...(changed.has('label') ? { Labels: readLabels([], flags.label) } : {}),
      },
    });
    session.output.out(`${volume.Name}\n`);
    return 0;
  },
});
