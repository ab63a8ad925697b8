/** `gantry wait` */

import type { WaitResponse } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { containerSegment, forEachOperand } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  operands: { min: 1 },
  flags: {},
  run: (session, { operands }) =>
    forEachOperand(session, operands, async (name) => {
      const path = `/containers/${containerSegment(name)}/wait`;
      const answer = await session.client.json<WaitResponse>('POST', path);
      return String(answer.StatusCode);
    }),
});
