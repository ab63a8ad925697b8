/** `gantry top` */

import type { TopResponse } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { alignTabs, TOP_LAYOUT } from '../../format/table.ts';
import { containerSegment } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [ps OPTIONS]',
  operands: { min: 1 },
  optionsFirst: true,
  flags: {},
  async run(session, { operands }) {
    const [name = '', ...options] = operands;
    const answer = await session.client.json<TopResponse>('GET', `/containers/${containerSegment(name)}/top`, {
      query: { ps_args: options.join(' ') },
    });
    const lines = [answer.Titles, ...(answer.Processes ?? [])].map((row) => row.join('\t'));
    session.output.out(`${alignTabs(lines, TOP_LAYOUT).join('\n')}\n`);
    return 0;
  },
});
