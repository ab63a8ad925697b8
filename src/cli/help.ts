/** Help pages, derived from the command table and the flags; laid out as docker lays out its own. */

import type { Command } from './command.ts';
import type { CommandEntry } from './command-table.ts';
import type { Flag, Flags } from './options/flag.ts';

/** Columns of a page that goes to no terminal (docker's default). */
const DEFAULT_COLUMNS = 80;
/** A description narrower than this starts on a line of its own, at this column. */
const NARROWEST_DESCRIPTION = 24;
const INDENT_OF_NARROW = 16;
/** A last line may be this much longer than the others, so that no word stands alone. */
const OVERHANG = 5;

/** One line of a list of commands. */
export interface HelpRow {
  readonly name: string;
  readonly summary: string;
}

/** The page of `PATH --help` for one command. `paths` are all its names, each with the program's name. */
export function commandHelp(entry: CommandEntry, command: Command, path: string, program: string): string {
  const lines = [`Usage:  ${usageLine(path, command)}`, '', entry.summary, ''];
  if (entry.paths.length > 1) {
    lines.push('Aliases:', `  ${entry.paths.map((each) => `${program} ${each}`).join(', ')}`, '');
  }
  const options = flagLines(command.flags);
  if (options.length > 0) lines.push('Options:', ...options, '');
  return `${lines.slice(0, -1).join('\n')}\n`;
}

/** `gantry run [OPTIONS] IMAGE …`: the line errors repeat. */
export function usageLine(path: string, command: Command): string {
  return command.usage === '' ? path : `${path} ${command.usage}`;
}

/** The page of a management command (`gantry volume`). */
export function groupHelp(path: string, summary: string, commands: readonly HelpRow[]): string {
  return [
    `Usage:  ${path} COMMAND`,
    '',
    summary,
    '',
    'Commands:',
    ...rowLines(commands),
    '',
    `Run '${path} COMMAND --help' for more information on a command.`,
    '',
  ].join('\n');
}

/** The page of the program itself. */
export function programHelp(
  program: string,
  sections: readonly { title: string; rows: readonly HelpRow[] }[],
  globals: Flags,
): string {
  const lines = [`Usage:  ${program} [OPTIONS] COMMAND`, '', 'A container engine that stays out of the way', ''];
  const width = Math.max(...sections.flatMap((section) => section.rows.map((row) => row.name.length)));
  for (const section of sections) lines.push(`${section.title}:`, ...rowLines(section.rows, width), '');
  lines.push('Global Options:', ...flagLines(globals), '');
  lines.push(`Run '${program} COMMAND --help' for more information on a command.`, '');
  return lines.join('\n');
}

function rowLines(rows: readonly HelpRow[], width = Math.max(...rows.map((row) => row.name.length))): string[] {
  return rows.map((row) => `  ${row.name.padEnd(width)}  ${row.summary}`);
}

/** The option list of a page, sorted by name; descriptions wrap at the page's width. */
export function flagLines(flags: Flags, columns = DEFAULT_COLUMNS): string[] {
  const shown = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  // `-h` is another flag's here, so help is the one thing a user could not find otherwise.
  const all = shown.some(([, flag]) => flag.shorthand === 'h') ? [...shown, HELP_ROW] : shown;
  all.sort(([a], [b]) => (a < b ? -1 : 1));
  const heads = all.map(([name, flag]) => flagHead(name, flag));
  const width = Math.max(0, ...heads.map((head) => head.length)) + 3;
  return all.flatMap(([, flag], index) => {
    const head = (heads[index] ?? '').padEnd(width);
    const description = flag.defaultText === undefined ? flag.usage : `${flag.usage} (default ${flag.defaultText})`;
    return `${head}${wrap(description, width, columns)}`.split('\n').map((line) => line.trimEnd());
  });
}

const HELP_ROW: [string, Flag] = [
  'help',
  { kind: '', usage: 'Print usage', initial: false, bare: 'true', parse: () => true },
];

function flagHead(name: string, flag: Flag): string {
  const short = flag.shorthand === undefined ? '    ' : `-${flag.shorthand}, `;
  return `  ${short}--${name}${flag.kind === '' ? '' : ` ${flag.kind}`}`;
}

function wrap(description: string, indent: number, columns: number): string {
  const narrow = columns - indent < NARROWEST_DESCRIPTION;
  const margin = narrow ? INDENT_OF_NARROW : indent;
  const width = columns - margin - OVERHANG;
  const lines: string[] = [];
  for (let rest = description; rest !== ''; ) {
    const [line, remainder] = takeLine(rest, width);
    lines.push(line);
    rest = remainder;
  }
  const separator = `\n${' '.repeat(margin)}`;
  return (narrow ? separator : '') + lines.join('\n').replaceAll('\n', separator);
}

/** Splits off what fits into `width` columns, at a line break or the last blank. */
function takeLine(rest: string, width: number): [string, string] {
  if (rest.length < width + OVERHANG) return [rest, ''];
  const head = rest.slice(0, width);
  const blank = Math.max(head.lastIndexOf(' '), head.lastIndexOf('\t'), head.lastIndexOf('\n'));
  if (blank <= 0) return [rest, ''];
  const lineBreak = head.lastIndexOf('\n');
  const at = lineBreak > 0 ? lineBreak : blank;
  return [rest.slice(0, at), rest.slice(at + 1)];
}
