/** `gantry inspect` */

import { isNotFound } from '../../client/engine-error.ts';
import { defineCommand, ExitError } from '../../command.ts';
import { inspectAll } from '../../format/inspect.ts';
import { text, toggle } from '../../options/flag.ts';
import type { Session } from '../../session.ts';
import { containerSegment, segment } from '../each.ts';

/** Where objects of each kind are asked for, in docker's order of search. */
const KINDS = {
  container: (name: string) => `/containers/${containerSegment(name)}/json`,
  image: (name: string) => `/images/${segment(name)}/json`,
  network: (name: string) => `/networks/${segment(name)}`,
  volume: (name: string) => `/volumes/${segment(name)}`,
} as const;
type Kind = keyof typeof KINDS;

const isKind = (text: string): text is Kind => Object.hasOwn(KINDS, text);

export const command = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  operands: { min: 1 },
  flags: {
    format: text("Format with 'json' or a Go template", { shorthand: 'f' }),
    size: toggle('Include the sizes of files of containers', { shorthand: 's' }),
    type: text('Look only for objects of this type'),
  },
  run(session, { flags, changed, operands }) {
    const { type } = flags;
    if (changed.has('type') && type === '')
      throw new ExitError('type is empty: must be one of "container", "image", "network", "volume"', 1);
    if (type !== '' && !isKind(type)) {
      throw new ExitError(
        `unknown type: ${JSON.stringify(type)}: must be one of "container", "image", "network", "volume"`,
        1,
      );
    }
    const kinds = isKind(type) ? [type] : (Object.keys(KINDS) as Kind[]);
    return inspectAll(session.output, operands, flags.format, (name) => find(session, kinds, name, flags.size));
  },
});

async function find(session: Session, kinds: readonly Kind[], name: string, size: boolean): Promise<string> {
  for (const kind of kinds) {
    try {
      return await session.client.text('GET', KINDS[kind](name), { query: { size: size && kind === 'container' } });
    } catch (error) {
      if (kinds.length === 1 || !isNotFound(error)) throw error;
    }
  }
  throw new Error(`Error: No such object: ${name}`);
}
