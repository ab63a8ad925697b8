/** From the words of a command line to an exit code: global flags, choice of command, errors. */

import { EngineResponseError } from './client/engine-error.ts';
import { type Command, ExitError } from './command.ts';
import {
  COMMAND_GROUPS,
  COMMANDS,
  COMMON_COMMANDS,
  type CommandEntry,
  canonicalPath,
  findCommand,
  groupOf,
} from './command-table.ts';
import { messageOf } from './failure.ts';
import { checkLogLevel, globalFlags } from './globals.ts';
import { commandHelp, groupHelp, type HelpRow, programHelp, usageLine } from './help.ts';
import { HelpRequest, parseArguments, UsageError } from './options/parse.ts';
import { defaultConfigDirectory, openSession } from './session.ts';
import { Output } from './streams/output.ts';
import { CLIENT_COMMIT, CLIENT_VERSION, PROGRAM } from './version.ts';

/** Exit code of a command line docker cannot parse. */
const EXIT_USAGE = 125;
const EXIT_FAILURE = 1;

/** Runs one command line (without interpreter and script). Resolves to the exit code once all output is written. */
export async function runProgram(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const output = new Output();
  const code = await dispatch(words, environment, output).catch((error: unknown) => reportFailure(error, output));
  await output.flush();
  return code;
}

function reportFailure(error: unknown, output: Output): number {
  if (error instanceof ExitError) {
    if (error.message !== '') output.error(`${error.message}\n`);
    return error.code;
  }
  output.error(`${error instanceof EngineResponseError ? error.message : messageOf(error)}\n`);
  return EXIT_FAILURE;
}

async function dispatch(words: readonly string[], environment: NodeJS.ProcessEnv, output: Output): Promise<number> {
  const flags = globalFlags(defaultConfigDirectory(environment));
  const globals = parseOr(output, PROGRAM, `Usage:  ${PROGRAM} [OPTIONS] COMMAND [ARG...]`, () =>
    parseArguments(flags, words, { optionsFirst: true }),
  );
  if (globals === 'help') return printProgramHelp(flags, output);
  checkLogLevel(globals.flags['log-level']);
  if (globals.flags.version) {
    output.out(`Gantry version ${CLIENT_VERSION}, build ${CLIENT_COMMIT}\n`);
    return 0;
  }
  const [first, ...rest] = globals.operands;
  if (first === undefined) return printProgramHelp(flags, output);
  if (first === 'help') {
    const topic = rest[0];
    if (topic !== undefined && !Object.hasOwn(COMMAND_GROUPS, topic) && findCommand(topic) === undefined) {
      throw new ExitError(`unknown help topic: ${rest.join(' ')}`, EXIT_FAILURE);
    }
    return dispatch([...rest, '--help'], environment, output);
  }
  const chosen = chooseCommand(first, rest);
  if (chosen === undefined) return runGroup(first, rest, output);
  const { command } = await chosen.entry.load();
  const path = `${PROGRAM} ${canonicalPath(chosen.entry, chosen.path)}`;
  const parsed = parseOr(output, path, `Usage:  ${usageLine(path, command)}`, () =>
    parseArguments(command.flags, chosen.words, { optionsFirst: command.optionsFirst === true }),
  );
  if (parsed === 'help') {
    output.out(commandHelp(chosen.entry, command, path, PROGRAM));
    return 0;
  }
  for (const notice of parsed.notices) output.out(`${notice}\n`);
  checkOperands(command, path, parsed.operands.length);
  const session = openSession({ ...globals.flags, hosts: globals.flags.host, environment, output });
  return command.run(session, { path, ...parsed });
}

function chooseCommand(
  first: string,
  rest: readonly string[],
): { entry: CommandEntry; path: string; words: readonly string[] } | undefined {
  if (!Object.hasOwn(COMMAND_GROUPS, first)) {
    const entry = findCommand(first);
    if (entry === undefined) throw unknownCommand(`${PROGRAM} ${first}`, PROGRAM, `${PROGRAM} [OPTIONS] COMMAND`);
    return { entry, path: first, words: rest };
  }
  const [second, ...words] = rest;
  const path = `${first} ${second ?? ''}`;
  const entry = second === undefined ? undefined : findCommand(path);
  return entry === undefined ? undefined : { entry, path, words };
}

/** `gantry volume`, alone, with `--help`, or with a word that is no command. */
function runGroup(group: string, rest: readonly string[], output: Output): number {
  const path = `${PROGRAM} ${group}`;
  const [word] = rest;
  if (word !== undefined && !word.startsWith('-')) throw unknownCommand(`${path} ${word}`, path, path);
  const parsed = parseOr(output, path, `Usage:  ${path}`, () => parseArguments({}, rest));
  if (parsed === 'help' || rest.length === 0) {
    const rows = COMMANDS.filter((entry) => groupOf(entry.paths[0] ?? '') === group).map((entry) => ({
      name: (entry.paths[0] ?? '').slice(group.length + 1),
      summary: entry.summary,
    }));
    output.out(groupHelp(path, COMMAND_GROUPS[group] ?? '', rows));
  }
  return 0;
}

function printProgramHelp(flags: ReturnType<typeof globalFlags>, output: Output): number {
  const row = (name: string): HelpRow => ({ name, summary: findCommand(name)?.summary ?? '' });
  const plain = COMMANDS.map((entry) => entry.paths.find((path) => groupOf(path) === '')).filter(
    (name) => name !== undefined && !COMMON_COMMANDS.some((common) => common === name),
  );
  const sections = [
    { title: 'Common Commands', rows: COMMON_COMMANDS.map(row) },
    {
      title: 'Management Commands',
      rows: Object.entries(COMMAND_GROUPS).map(([name, summary]) => ({ name, summary })),
    },
    { title: 'Commands', rows: plain.map((name) => row(name ?? '')).sort((a, b) => (a.name < b.name ? -1 : 1)) },
  ];
  output.out(programHelp(PROGRAM, sections, flags));
  return 0;
}

function unknownCommand(given: string, path: string, usage: string): ExitError {
  const text =
    path === PROGRAM
      ? `${PROGRAM}: unknown command: ${given}\n\nRun '${path} --help' for more information`
      : `${PROGRAM}: unknown command: ${given}\n\nUsage:  ${usage}\n\nRun '${path} --help' for more information`;
  return new ExitError(text, EXIT_FAILURE);
}

/** Parses; turns a wrong command line into docker's text and exit code, and a plea for help into 'help'. */
function parseOr<T>(output: Output, path: string, usage: string, parse: () => T): T | 'help' {
  try {
    return parse();
  } catch (error) {
    if (error instanceof HelpRequest) {
      if (error.deprecatedShorthand) output.error('Flag shorthand -h has been deprecated, use --help\n');
      return 'help';
    }
    if (!(error instanceof UsageError)) throw error;
    throw new ExitError(`${error.message}\n\n${usage}\n\nRun '${path} --help' for more information`, EXIT_USAGE);
  }
}

function checkOperands(command: Command, path: string, count: number): void {
  const { min, max } = command.operands;
  if (count >= min && (max === undefined || count <= max)) return;
  const plural = (number: number) => `${number} argument${number === 1 ? '' : 's'}`;
  // docker says "See" where a minimum is missed and "Run" elsewhere.
  const [rule, hint] =
    max === 0
      ? ['accepts no arguments', 'Run']
      : min === max
        ? [`requires ${plural(min)}`, 'Run']
        : max === undefined
          ? [`requires at least ${plural(min)}`, 'See']
          : min === 0
            ? [`requires at most ${plural(max)}`, 'Run']
            : [`requires at least ${min} and at most ${plural(max)}`, 'Run'];
  throw new ExitError(
    `${PROGRAM}: '${path}' ${rule}\n\nUsage:  ${usageLine(path, command)}\n\n${hint} '${path} --help' for more information`,
    EXIT_FAILURE,
  );
}
