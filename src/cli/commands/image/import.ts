/** `gantry import` */

import { defineCommand } from '../../command.ts';
import { list, text } from '../../options/flag.ts';
import { parseReference } from '../../options/reference.ts';
import { showProgress } from '../../streams/progress.ts';
import { readArchive } from './load.ts';
import { progressTarget } from './progress-target.ts';

export const command = defineCommand({
  usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  operands: { min: 1 },
  flags: {
    change: list('Apply a Dockerfile instruction to the image', { shorthand: 'c' }),
    message: text('Comment of the image', { shorthand: 'm' }),
    platform: text('Platform of the image (os[/arch[/variant]])'),
  },
  async run(session, { flags, operands }) {
    const [source = '', reference = ''] = operands;
    const remote = /^https?:\/\//.test(source);
    const archive = source === '-' ? process.stdin : remote ? undefined : readArchive(source);
    if (reference !== '') parseReference(reference);
    const { body } = await session.client.stream('POST', '/images/create', {
      query: {
        fromSrc: remote ? source : '-',
        repo: reference,
        message: flags.message,
        platform: flags.platform,
        changes: flags.change,
      },
      ...(archive === undefined ? {} : { stream: archive, headers: { 'Content-Type': 'application/x-tar' } }),
    });
    await showProgress(body, progressTarget(session, 'out'));
    return 0;
  },
});
