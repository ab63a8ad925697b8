/** `gantry pull` */

import { defineCommand, ExitError } from '../../command.ts';
import { text, toggle } from '../../options/flag.ts';
import { fullName, parseReference } from '../../options/reference.ts';
import { pullImage } from './pull-image.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  operands: { min: 1, max: 1 },
  flags: {
    'all-tags': toggle('Download every tag of the repository', { shorthand: 'a' }),
    'disable-content-trust': toggle('Accepted for compatibility', { initial: true }),
    platform: text('Platform of the image (os[/arch[/variant]])'),
    quiet: toggle('Do not show progress', { shorthand: 'q' }),
  },
  async run(session, { flags, operands }) {
    const given = operands[0] ?? '';
    const { name, tag, digest } = parseReference(given);
    const allTags = flags['all-tags'];
    if (allTags && (tag !== undefined || digest !== undefined)) {
      throw new ExitError("tag can't be used with --all-tags/-a", 1);
    }
    const defaulted = !allTags && tag === undefined && digest === undefined;
    if (defaulted && !flags.quiet) session.output.out('Using default tag: latest\n');
    const reference = defaulted ? `${given}:latest` : given;
    await pullImage(session, reference, { platform: flags.platform, quiet: flags.quiet, target: 'out', allTags });
    session.output.out(`${fullName(name)}${allTags ? '' : reference.slice(name.length)}\n`);
    return 0;
  },
});
