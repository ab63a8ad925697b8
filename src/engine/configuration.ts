import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { errnoOf, invalidParameter, messageOf } from '../base/index.ts';
import { type Configuration, OPTIONS, type OptionRow } from './options.ts';
import { structureFault, validateConfiguration } from './validate-configuration.ts';

const DEFAULT_CONFIG_FILE = '/etc/gantry/daemon.json';

type OptionName = keyof typeof OPTIONS;
type Values = Partial<Record<OptionName, unknown>>;

const ROWS = Object.entries(OPTIONS) as [OptionName, OptionRow][];

/** What the command line asks for. */
export type Invocation =
  | { readonly action: 'run' | 'validate'; readonly configuration: Configuration }
  | { readonly action: 'help' | 'version' };

/**
 * Reads flags and daemon.json. Throws invalidParameter with a text for the terminal: unknown flags and keys, wrong types,
 * a setting given in both places.
 */
export function configure(words: readonly string[]): Invocation {
  const { flags, configFile, isConfigFileNamed, action } = parseFlags(words);
  if (action === 'help' || action === 'version') return { action };
  const fromFile = readConfigFile(configFile, isConfigFileNamed);
  refuseConflicts(flags, fromFile, configFile);
  const defaults = Object.fromEntries(ROWS.map(([name, row]) => [name, row.default]));
  const merged = { ...defaults, ...fromFile, ...flags } as unknown as Configuration;
  if (isDefault('pidFile', merged, flags, fromFile)) merged.pidFile = `${merged.runDirectory}/gantryd.pid`;
  if (isDefault('hosts', merged, flags, fromFile)) merged.hosts = [`unix://${merged.runDirectory}/gantry.sock`];
  validateConfiguration(merged);
  return { action, configuration: merged };
}

/** The help text of `gantryd --help`. */
export function helpText(): string {
  const rows = ROWS.filter(([, row]) => row.kind !== 'structure').map(([, row]) => {
    const short = row.short ? `-${row.short}, ` : '    ';
    return `  ${`${short}--${flagOf(row)}`.padEnd(34)} ${row.help}`;
  });
  return [
    'Usage:  gantryd [OPTIONS]',
    '',
    'The Gantry container engine.',
    '',
    'Options:',
    `  ${'    --config-file'.padEnd(34)} Configuration file (default ${DEFAULT_CONFIG_FILE})`,
    ...rows,
    `  ${'    --validate'.padEnd(34)} Check the configuration and exit`,
    `  ${'-v, --version'.padEnd(34)} Print the version and exit`,
    `  ${'-h, --help'.padEnd(34)} Print this text and exit`,
    '',
  ].join('\n');
}

function isDefault(name: OptionName, merged: Configuration, ...sources: Values[]): boolean {
  return merged[name] !== undefined && sources.every((source) => source[name] === undefined);
}

function flagOf(row: OptionRow): string {
  return row.flag ?? row.key;
}

function parseFlags(words: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = {
    'config-file': { type: 'string' },
    'exec-root': { type: 'string' },
    validate: { type: 'boolean' },
    version: { type: 'boolean', short: 'v' },
    help: { type: 'boolean', short: 'h' },
  };
  for (const [, row] of ROWS) {
    if (row.kind === 'structure') continue;
    options[flagOf(row)] = {
      type: row.kind === 'boolean' ? 'boolean' : 'string',
      multiple: row.kind === 'list' || row.kind === 'pairs',
      ...(row.short && { short: row.short }),
    };
  }
  let values: Record<string, unknown>;
  try {
    // `--icc=false` is dockerd's way to say no; parseArgs knows `--no-icc`.
    const spelled = words.map((word) =>
      word.replace(/^--([\w-]+)=(true|false)$/, (_, name, value) => (value === 'true' ? `--${name}` : `--no-${name}`)),
    );
    ({ values } = parseArgs({ args: spelled, options, allowNegative: true, strict: true, allowPositionals: false }));
  } catch (error) {
    throw invalidParameter(`${messageOf(error)}\nSee 'gantryd --help'.`);
  }
  if (values['exec-root'] !== undefined) values['run-dir'] = values['exec-root'];
  const flags: Values = {};
  for (const [name, row] of ROWS) {
    const value = values[flagOf(row)];
    if (value !== undefined) flags[name] = fromFlag(row, value);
  }
  const action = values.help ? 'help' : values.version ? 'version' : values.validate ? 'validate' : 'run';
  const configFile = values['config-file'];
  return {
    flags,
    action: action as 'help' | 'version' | 'validate' | 'run',
    configFile: typeof configFile === 'string' ? configFile : DEFAULT_CONFIG_FILE,
    isConfigFileNamed: configFile !== undefined,
  };
}

function fromFlag(row: OptionRow, value: unknown): unknown {
  if (row.kind === 'number') {
    const number = Number(value);
    if (!Number.isInteger(number)) throw invalidParameter(`invalid argument "${value}" for "--${flagOf(row)}" flag`);
    return number;
  }
  if (row.kind === 'pairs' && Array.isArray(value)) {
    return Object.fromEntries(value.map((pair: string) => pair.split(/=(.*)/s).slice(0, 2)));
  }
  return value;
}

function readConfigFile(path: string, mustExist: boolean): Values {
  const fail = (reason: string) => invalidParameter(`unable to configure the engine with file ${path}: ${reason}`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && !mustExist) return {};
    throw fail(messageOf(error));
  }
  if (text.trim() === '') return {};
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw fail(messageOf(error));
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw fail('not a JSON object');
  const unknownKeys = Object.keys(document).filter((key) => !ROWS.some(([, row]) => row.key === key));
  if (unknownKeys.length > 0) {
    throw fail(`the following directives don't match any configuration option: ${unknownKeys.join(', ')}`);
  }
  const values: Values = {};
  for (const [name, row] of ROWS) {
    const value: unknown = Reflect.get(document, row.key);
    if (value === undefined) continue;
    if (!hasKind(row, value)) throw fail(`"${row.key}" must be a ${KIND_WORDS[row.kind]}`);
    const wrong = row.kind === 'structure' ? structureFault(row.key, value) : undefined;
    if (wrong !== undefined) throw fail(wrong);
    values[name] = value;
  }
  return values;
}

const KIND_WORDS = {
  text: 'string',
  number: 'whole number',
  boolean: 'boolean',
  list: 'list of strings',
  pairs: 'map of strings',
  structure: 'list or object',
} as const satisfies Record<OptionRow['kind'], string>;

function hasKind(row: OptionRow, value: unknown): boolean {
  const isText = (item: unknown) => typeof item === 'string';
  switch (row.kind) {
    case 'text':
      return isText(value);
    case 'number':
      return Number.isInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
      return Array.isArray(value) && value.every(isText);
    case 'pairs':
      return typeof value === 'object' && value !== null && Object.values(value).every(isText);
    case 'structure':
      return Array.isArray(value) === Array.isArray(row.default) && typeof value === 'object' && value !== null;
  }
}

function refuseConflicts(flags: Values, file: Values, path: string): void {
  const both = ROWS.filter(([name]) => flags[name] !== undefined && file[name] !== undefined);
  if (both.length === 0) return;
  const details = both.map(
    ([name, row]) =>
      `${row.key}: (from flag --${flagOf(row)}: ${JSON.stringify(flags[name])}, from file: ${JSON.stringify(file[name])})`,
  );
  throw invalidParameter(
    `unable to configure the engine with file ${path}: the following directives are specified both as a flag and in the configuration file: ${details.join(', ')}`,
  );
}
