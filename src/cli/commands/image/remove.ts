/** `gantry rmi` */

import type { ImageDeleteEntry } from '../../../contract/docker/index.ts';
import { isNotFound } from '../../client/engine-error.ts';
import { defineCommand, ExitError } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { commaList, toggle } from '../../options/flag.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  operands: { min: 1 },
  flags: {
    force: toggle('Remove it although it has other names or containers', { shorthand: 'f' }),
    'no-prune': toggle('Keep parents that have no name'),
    platform: commaList('Remove only this platform (os[/arch[/variant]])'),
  },
  async run(session, { flags, operands }) {
    const failures: unknown[] = [];
    for (const image of operands) {
      try {
        const entries = await session.client.json<ImageDeleteEntry[]>('DELETE', `/images/${segment(image)}`, {
          query: { force: flags.force, noprune: flags['no-prune'], platforms: flags.platform },
        });
        session.output.out(entries.map(entryLine).join(''));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 0) return 0;
    const text = failures.map(messageOf).join('\n');
    if (!flags.force || !failures.every(isNotFound)) throw new ExitError(text, 1);
    session.output.error(`${text}\n`);
    return 0;
  },
});

const entryLine = (entry: ImageDeleteEntry) =>
  'Deleted' in entry && entry.Deleted
    ? `Deleted: ${entry.Deleted}\n`
    : `Untagged: ${'Untagged' in entry ? entry.Untagged : ''}\n`;
