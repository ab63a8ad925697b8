/** `gantry info` */

import type { SystemInfo } from '../../../contract/docker/index.ts';
import { ConnectionError } from '../../client/engine-error.ts';
import { defineCommand } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { infoLines } from '../../format/info.ts';
import { renderObject } from '../../format/inspect.ts';
import { text } from '../../options/flag.ts';
import { CLIENT_VERSION } from '../../version.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: { format: text("Format with 'json' or a Go template", { shorthand: 'f' }) },
  async run(session, { flags }) {
    const client = { Debug: false, Version: CLIENT_VERSION, Context: 'default', Plugins: [], Warnings: null };
    const answer = await session.client
      .json<SystemInfo>('GET', '/info')
      .catch((error: unknown) => (error instanceof ConnectionError ? error : Promise.reject(error)));
    const failure = answer instanceof Error ? messageOf(answer) : undefined;
    const info = answer instanceof Error ? undefined : answer;
    if (flags.format !== '') {
      const all = { ...info, ...(failure === undefined ? {} : { ServerErrors: [failure] }), ClientInfo: client };
      session.output.out(renderObject(flags.format, all, JSON.stringify(all)));
    } else {
      const lines = ['Client:', ` Version:    ${client.Version}`, ' Context:    default', ' Debug Mode: false', ''];
      session.output.out(`${[...lines, 'Server:', ...(info === undefined ? [] : infoLines(info))].join('\n')}\n`);
    }
    for (const warning of info?.Warnings ?? []) session.output.error(`${warning}\n`);
    if (failure !== undefined) session.output.error(`${failure}\n`);
    return failure === undefined ? 0 : 1;
  },
});
