/** `gantry save` */

import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { defineCommand, ExitError } from '../../command.ts';
import { openFailure } from '../../options/environment.ts';
import { text } from '../../options/flag.ts';
import { outputIsTerminal } from '../../streams/terminal.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  operands: { min: 1 },
  flags: {
    output: text('Write the archive to a file', { shorthand: 'o' }),
    platform: text('Save only this platform (os[/arch[/variant]])'),
  },
  async run(session, { flags, operands }) {
    if (flags.output === '' && outputIsTerminal()) {
      throw new ExitError('cowardly refusing to save to a terminal. Use the -o flag or redirect', 1);
    }
    if (flags.output !== '') checkDirectory(flags.output);
    const [path, query] =
      operands.length === 1 ? [`/images/${segment(operands[0] ?? '')}/get`, {}] : ['/images/get', { names: operands }];
    const { body } = await session.client.stream('GET', path, { query: { ...query, platform: flags.platform } });
    if (flags.output === '') for await (const piece of body) session.output.out(piece);
    else await writeArchive(flags.output, body);
    return 0;
  },
});

function checkDirectory(output: string): void {
  const directory = dirname(output);
  try {
    statSync(directory);
  } catch (error) {
    throw new ExitError(`failed to save image: invalid output path: ${openFailure(directory, error, 'stat')}`, 1);
  }
}

/** Writes beside the file and renames, so that a broken transfer leaves no half archive under the name. */
async function writeArchive(output: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${output}.gantry-${process.pid}`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    for await (const piece of body) {
      for (let written = 0; written < piece.length; ) written += writeSync(descriptor, piece, written);
    }
    renameSync(temporary, output);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
