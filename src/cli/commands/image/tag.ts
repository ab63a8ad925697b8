/** `gantry tag` */

import { defineCommand } from '../../command.ts';
import { parseReference } from '../../options/reference.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  operands: { min: 2, max: 2 },
  flags: {},
  async run(session, { operands }) {
    const [source = '', target = ''] = operands;
    const { name, tag, digest } = parseTarget(target);
    if (digest !== undefined) throw new Error('refusing to create a tag with a digest reference');
    const query = { repo: name, tag: tag ?? 'latest' };
    await session.client.call('POST', `/images/${segment(source)}/tag`, { query });
    return 0;
  },
});

function parseTarget(target: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(target);
  } catch (error) {
    throw new Error(
      `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${error instanceof Error ? error.message : error}`,
    );
  }
}
