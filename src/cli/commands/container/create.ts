/** `gantry create` */

import { defineCommand, ExitError, withHelp } from '../../command.ts';
import { CONTAINER_FLAGS } from '../../options/container-flags.ts';
import { PROGRAM } from '../../version.ts';
import { createContainer, planContainer } from './create-container.ts';

/** Exit code for a command line that describes no possible container. */
const EXIT_BAD_REQUEST = 125;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  operands: { min: 1 },
  optionsFirst: true,
  flags: CONTAINER_FLAGS,
  async run(session, invocation) {
    const plan = attempt(() => planContainer(session, invocation), invocation.path);
    const id = await createContainer(session, plan);
    session.output.out(`${id}\n`);
    return 0;
  },
});

function attempt<T>(work: () => T, path: string): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ExitError ? error : withHelp(error, path, PROGRAM, EXIT_BAD_REQUEST);
  }
}
