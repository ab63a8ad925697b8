/** `gantry load` */

import { createReadStream, openSync } from 'node:fs';
import { defineCommand, ExitError } from '../../command.ts';
import { openFailure } from '../../options/environment.ts';
import { text, toggle } from '../../options/flag.ts';
import { showProgress } from '../../streams/progress.ts';
import { inputIsTerminal, outputIsTerminal } from '../../streams/terminal.ts';
import { progressTarget } from './progress-target.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    input: text('Read the archive from a file', { shorthand: 'i' }),
    platform: text('Load only this platform (os[/arch[/variant]])'),
    quiet: toggle('Do not show progress', { shorthand: 'q' }),
  },
  async run(session, { flags }) {
    if (flags.input === '' && inputIsTerminal()) {
      throw new ExitError('requested load from stdin, but stdin is empty', 1);
    }
    const stream = flags.input === '' ? process.stdin : readArchive(flags.input);
    const { headers, body } = await session.client.stream('POST', '/images/load', {
      query: { quiet: flags.quiet || !outputIsTerminal(), platform: flags.platform },
      headers: { 'Content-Type': 'application/x-tar' },
      stream,
    });
    if (headers['content-type']?.startsWith('application/json')) {
      await showProgress(body, progressTarget(session, 'out'));
    } else for await (const piece of body) session.output.out(piece);
    return 0;
  },
});

/** Opens an archive to be sent. Throws Go's text if it cannot be read. */
export function readArchive(path: string): AsyncIterable<Uint8Array> {
  try {
    return createReadStream(path, { fd: openSync(path, 'r') });
  } catch (error) {
    throw new Error(openFailure(path, error));
  }
}
