/** `gantry exec` */

import type { ExecConfig, ExecInspect } from '../../../contract/docker/index.ts';
import { defineCommand, ExitError, type Invocation } from '../../command.ts';
import { parseVariable, readVariables } from '../../options/environment.ts';
import { list, text, toggle } from '../../options/flag.ts';
import type { Session } from '../../session.ts';
import { runAttached } from '../../streams/attached.ts';
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from '../../streams/detach-keys.ts';
import {
  inputIsTerminal,
  outputIsTerminal,
  requireTerminal,
  terminalSize,
  watchTerminalSize,
} from '../../streams/terminal.ts';
import { containerSegment } from '../each.ts';
import { detachKeysOf } from './foreground.ts';

const EXEC_FLAGS = {
  detach: toggle('Run in the background', { shorthand: 'd' }),
  'detach-keys': text('Key sequence that detaches from the command'),
  env: list('Set an environment variable', { shorthand: 'e', check: parseVariable }),
  'env-file': list('Read environment variables from a file'),
  interactive: toggle('Keep standard input open', { shorthand: 'i' }),
  privileged: toggle('Give the command all privileges'),
  tty: toggle('Allocate a pseudo-terminal', { shorthand: 't' }),
  user: text('User to run as (name or uid, optionally with :group)', { shorthand: 'u' }),
  workdir: text('Directory to start in', { shorthand: 'w' }),
};

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  operands: { min: 2 },
  optionsFirst: true,
  flags: EXEC_FLAGS,
  async run(session, invocation) {
    const { client } = session;
    const { flags, operands } = invocation;
    const container = containerSegment(operands[0] ?? '');
    const config = execConfig(session, invocation);
    if (config.AttachStdin && config.Tty && !inputIsTerminal()) {
      // A container that does not exist is the more important news.
      await client.call('GET', `/containers/${container}/json`);
      requireTerminal(true, true);
    }
    const { Id: id } = await client.json<{ Id: string }>('POST', `/containers/${container}/exec`, { json: config });
    if (flags.detach) {
      await client.call('POST', `/exec/${id}/start`, { json: { Detach: true, Tty: flags.tty } });
      return 0;
    }
    return runExec(session, id, config);
  },
});

function execConfig(session: Session, { flags, operands }: Invocation<typeof EXEC_FLAGS>): ExecConfig {
  const attached = !flags.detach;
  const size = attached && flags.tty ? terminalSize() : undefined;
  return {
    User: flags.user,
    Privileged: flags.privileged,
    Tty: flags.tty,
    ...(size === undefined ? {} : { ConsoleSize: size }),
    AttachStdin: attached && flags.interactive,
    AttachStdout: attached,
    AttachStderr: attached,
    Detach: flags.detach,
    DetachKeys: detachKeysOf(session, flags['detach-keys']),
    Env: readVariables(flags['env-file'], flags.env),
    WorkingDir: flags.workdir,
    Cmd: operands.slice(1),
  };
}

async function runExec(session: Session, id: string, config: ExecConfig): Promise<number> {
  const { client } = session;
  const tty = config.Tty === true;
  const connection = await client.hijack('POST', `/exec/${id}/start`, {
    json: { Detach: false, Tty: tty, ...(config.ConsoleSize ? { ConsoleSize: config.ConsoleSize } : {}) },
  });
  // The size at the start went with the request; only changes are news.
  using _size =
    tty && outputIsTerminal()
      ? watchTerminalSize((h, w) => client.call('POST', `/exec/${id}/resize`, { query: { h, w } }), { later: true })
      : undefined;
  const ending = await runAttached({
    connection,
    tty,
    input: config.AttachStdin === true,
    output: true,
    detachKeys: parseDetachKeys(config.DetachKeys || DEFAULT_DETACH_KEYS),
    sink: session.output,
  });
  if (ending === 'detached') throw new ExitError('read escape sequence', 1);
  const { ExitCode } = await client.json<ExecInspect>('GET', `/exec/${id}/json`);
  return ExitCode ?? 0;
}
