/** `gantry run` */

import { defineCommand, ExitError, type Invocation, withHelp } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { CONTAINER_FLAGS } from '../../options/container-flags.ts';
import { text, toggle } from '../../options/flag.ts';
import type { Session } from '../../session.ts';
import { forwardSignals } from '../../streams/signals.ts';
import { requireTerminal, terminalSize } from '../../streams/terminal.ts';
import { PROGRAM } from '../../version.ts';
import { type ContainerPlan, createContainer, planContainer } from './create-container.ts';
import { attach, converse, detachKeysOf, type ForegroundStreams, registerWait } from './foreground.ts';

const RUN_FLAGS = {
  ...CONTAINER_FLAGS,
  detach: toggle('Run in the background and print the container ID', { shorthand: 'd' }),
  'detach-keys': text('Key sequence that detaches from the container'),
  'sig-proxy': toggle('Pass signals on to the container', { initial: true }),
};

/** docker's exit codes of `run` where the container has none of its own. */
const EXIT_FAILED = 125;
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  operands: { min: 1 },
  optionsFirst: true,
  flags: RUN_FLAGS,
  async run(session, invocation) {
    const { path } = invocation;
    try {
      const plan = withRunFlags(planContainer(session, invocation), invocation);
      return await runContainer(session, invocation, plan).catch((error: unknown) => {
        throw error instanceof ExitError ? error : withHelp(error, path, PROGRAM, exitCodeOf(error));
      });
    } catch (error) {
      throw error instanceof ExitError ? error : withHelp(error, path, PROGRAM, EXIT_FAILED);
    }
  },
});

/** docker takes the code from the OCI runtime's words: there is nothing else in the answer to tell the cases apart. */
function exitCodeOf(error: unknown): number {
  const text = messageOf(error);
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(text)) {
    return EXIT_NOT_FOUND;
  }
  return /permission denied|is a directory/.test(text) ? EXIT_NOT_EXECUTABLE : EXIT_FAILED;
}

function withRunFlags(plan: ContainerPlan, { flags }: Invocation<typeof RUN_FLAGS>): ContainerPlan {
  if (flags.detach) {
    if (flags.attach.length > 0) {
      throw new ExitError('conflicting options: cannot specify both --attach and --detach', 1);
    }
    const detached = { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false };
    return { ...plan, body: { ...plan.body, ...detached } };
  }
  requireTerminal(plan.body.AttachStdin === true, flags.tty);
  const size = flags.tty ? terminalSize() : undefined;
  if (size === undefined) return plan;
  return { ...plan, body: { ...plan.body, HostConfig: { ...plan.body.HostConfig, ConsoleSize: size } } };
}

async function runContainer(
  session: Session,
  invocation: Invocation<typeof RUN_FLAGS>,
  plan: ContainerPlan,
): Promise<number> {
  const { flags } = invocation;
  const { body } = plan;
  const id = await createContainer(session, plan);
  const streams: ForegroundStreams = {
    stdin: body.AttachStdin === true,
    stdout: body.AttachStdout === true,
    stderr: body.AttachStderr === true,
    tty: flags.tty,
    detachKeys: detachKeysOf(session, flags['detach-keys']),
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    await session.client.call('POST', `/containers/${id}/start`);
    session.output.out(`${id}\n`);
    return 0;
  }
  using _signals = flags['sig-proxy'] ? forwardSignals(session.client, id) : undefined;
  const [connection, wait] = await Promise.all([
    attach(session, id, streams),
    registerWait(session, id, flags.rm ? 'removed' : 'next-exit'),
  ]);
  try {
    await session.client.call('POST', `/containers/${id}/start`);
  } catch (error) {
    connection.socket.destroy();
    // The next command shall not meet a container that is about to be removed.
    if (flags.rm) await wait.exitCode();
    throw error;
  }
  const ending = await converse(session, id, streams, connection);
  return ending === 'detached' ? 0 : wait.exitCode();
}
