/** Reads a command's arguments as GNU-style flags and operands, the way pflag (docker's flag package) does. */

import type { Flag, Flags, Values } from './flag.ts';
import { cut } from './flag.ts';

/** The command line is wrong. The message is printed with the command's usage; the exit code is 125. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Somebody asked for help with `--help` or `-h`. */
export class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
  readonly deprecatedShorthand: boolean;
  constructor(deprecatedShorthand: boolean) {
    super('help requested');
    this.deprecatedShorthand = deprecatedShorthand;
  }
}

/** What a command line said. */
export interface ParsedArguments<F extends Flags> {
  readonly flags: Values<F>;
  /** Long names of the flags that were given. */
  readonly changed: ReadonlySet<string>;
  readonly operands: string[];
  /** What to tell the user about flags that will go. */
  readonly notices: readonly string[];
}

/**
 * Parses `words`. With `optionsFirst` the first operand ends the flags (`run IMAGE COMMAND -x`); otherwise flags may
 * follow operands. `--` always ends them. Throws {@link UsageError} or {@link HelpRequest}.
 */
export function parseArguments<F extends Flags>(
  flags: F,
  words: readonly string[],
  options: { optionsFirst?: boolean } = {},
): ParsedArguments<F> {
  return new Parser(flags, words, options.optionsFirst === true).parse();
}

class Parser<F extends Flags> {
  readonly #flags: Flags;
  readonly #words: string[];
  readonly #optionsFirst: boolean;
  readonly #values: Record<string, unknown> = {};
  readonly #changed = new Set<string>();
  readonly #notices: string[] = [];

  constructor(flags: F, words: readonly string[], optionsFirst: boolean) {
    this.#flags = flags;
    this.#words = [...words];
    this.#optionsFirst = optionsFirst;
    for (const [name, flag] of Object.entries(flags)) this.#values[name] = flag.initial;
  }

  parse(): ParsedArguments<F> {
    const operands: string[] = [];
    for (let word = this.#words.shift(); word !== undefined; word = this.#words.shift()) {
      if (word === '--') {
        operands.push(...this.#words);
        break;
      }
      if (word.startsWith('--')) this.#long(word);
      else if (word.startsWith('-') && word !== '-') this.#cluster(word);
      else {
        operands.push(word);
        if (this.#optionsFirst) {
          operands.push(...this.#words);
          break;
        }
      }
    }
    return { flags: this.#values as Values<F>, changed: this.#changed, operands, notices: this.#notices };
  }

  #long(word: string): void {
    const [name, attached] = cut(word.slice(2), '=');
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${word}`);
    const flag = Object.hasOwn(this.#flags, name) ? this.#flags[name] : undefined;
    if (flag === undefined) {
      if (name === 'help') throw new HelpRequest(false);
      throw new UsageError(`unknown flag: --${name}`);
    }
    const value = attached ?? flag.bare ?? this.#words.shift();
    if (value === undefined) throw new UsageError(`flag needs an argument: --${name}`);
    this.#set(name, flag, value);
  }

  #cluster(word: string): void {
    for (let rest = word.slice(1); rest !== ''; ) {
      const letter = rest.slice(0, 1);
      rest = rest.slice(1);
      const entry = Object.entries(this.#flags).find(([, flag]) => flag.shorthand === letter);
      if (entry === undefined) {
        if (letter === 'h') throw new HelpRequest(true);
        throw new UsageError(`unknown shorthand flag: '${letter}' in -${letter}${rest}`);
      }
      const [name, flag] = entry;
      if (rest.startsWith('=')) {
        this.#set(name, flag, rest.slice(1));
        return;
      }
      if (flag.bare !== undefined) {
        this.#set(name, flag, flag.bare);
        continue;
      }
      const value = rest === '' ? this.#words.shift() : rest;
      if (value === undefined) throw new UsageError(`flag needs an argument: '${letter}' in -${letter}`);
      this.#set(name, flag, value);
      return;
    }
  }

  #set(name: string, flag: Flag, value: string): void {
    try {
      this.#values[name] = flag.parse(value, this.#values[name]);
      this.#changed.add(name);
      if (flag.deprecated !== undefined) {
        this.#notices.push(`Flag --${name} has been deprecated, ${flag.deprecated}`);
      }
    } catch (error) {
      const shown = flag.shorthand === undefined ? `--${name}` : `-${flag.shorthand}, --${name}`;
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${reason}`);
    }
  }
}
