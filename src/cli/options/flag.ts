/**
 * Command-line flags as data: what a flag is called, how its text becomes a value, what help says about it. The
 * parser, the help pages and the types of the parsed values are all derived from these records.
 */

/** One flag of a command. `T` is the type of its value. */
export interface Flag<T = unknown> {
  /** The one-letter form, without the dash. */
  readonly shorthand?: string | undefined;
  /** The word help prints behind the name (`list`, `string`); empty for switches. */
  readonly kind: string;
  readonly usage: string;
  readonly initial: T;
  /** What help prints as `(default …)`; absent if it prints none. */
  readonly defaultText?: string | undefined;
  /** The value of a flag that stands alone (`-d`); absent if the flag needs an argument. */
  readonly bare?: string | undefined;
  readonly hidden?: boolean | undefined;
  /** What to use instead of this flag, which still works. */
  readonly deprecated?: string | undefined;
  /** Turns one occurrence into the value; `previous` is the value so far. Throws an Error saying what is wrong. */
  parse(text: string, previous: T): T;
}

/** The flags of a command by their long names. */
export type Flags = Readonly<Record<string, Flag>>;

/** The values of `F` after parsing. */
export type Values<F extends Flags> = { [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** Details most flags do without. */
export interface FlagDetails<T> {
  shorthand?: string;
  kind?: string;
  initial?: T;
  hidden?: boolean;
  defaultText?: string;
}

/** The words Go's strconv.ParseBool takes. */
const BOOLEAN_WORDS: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/** A switch: `--quiet`, `--quiet=false`. */
export function toggle(usage: string, details: FlagDetails<boolean> = {}): Flag<boolean> {
  const initial = details.initial ?? false;
  return {
    shorthand: details.shorthand,
    kind: details.kind ?? '',
    usage,
    initial,
    defaultText: initial ? 'true' : undefined,
    bare: 'true',
    hidden: details.hidden,
    parse(text) {
      return parseBoolean(text);
    },
  };
}

/** Parses a Go boolean word; the error is strconv's. */
export function parseBoolean(text: string): boolean {
  const value = BOOLEAN_WORDS[text];
  if (value === undefined) throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

/** A flag with one text value; `check` may refuse or rewrite it. */
export function text(
  usage: string,
  details: FlagDetails<string> & { check?: (text: string) => string } = {},
): Flag<string> {
  const initial = details.initial ?? '';
  return {
    shorthand: details.shorthand,
    kind: details.kind ?? 'string',
    usage,
    initial,
    defaultText: details.defaultText ?? (initial === '' ? undefined : `"${initial}"`),
    hidden: details.hidden,
    parse: (given) => (details.check ? details.check(given) : given),
  };
}

/** A flag with a value of a type of its own; undefined until given. */
export function custom<T>(
  usage: string,
  kind: string,
  parse: (text: string) => T,
  details: FlagDetails<T | undefined> = {},
): Flag<T | undefined> {
  return {
    shorthand: details.shorthand,
    kind,
    usage,
    initial: details.initial,
    defaultText: details.defaultText,
    hidden: details.hidden,
    parse: (given) => parse(given),
  };
}

/** A flag that may be repeated; `check` may refuse or rewrite each value. */
export function list(
  usage: string,
  details: FlagDetails<string[]> & { check?: (text: string) => string } = {},
): Flag<string[]> {
  return repeated(usage, details.check ?? ((given) => given), details);
}

/** A flag that may be repeated, each occurrence giving a `T`. */
export function repeated<T>(usage: string, parse: (text: string) => T, details: FlagDetails<T[]> = {}): Flag<T[]> {
  return {
    shorthand: details.shorthand,
    kind: details.kind ?? 'list',
    usage,
    initial: [],
    defaultText: details.defaultText,
    hidden: details.hidden,
    parse: (given, previous) => [...previous, parse(given)],
  };
}

/** A flag of comma-separated values that may also be repeated (`--subnet a,b`). */
export function commaList(usage: string, details: FlagDetails<string[]> = {}): Flag<string[]> {
  return {
    shorthand: details.shorthand,
    kind: 'strings',
    usage,
    initial: [],
    hidden: details.hidden,
    parse: (given, previous) => [...previous, ...(given === '' ? [] : given.split(','))],
  };
}

/** A repeated `key=value` flag; a key alone has the empty value. */
export function pairs(usage: string, details: FlagDetails<Record<string, string>> = {}): Flag<Record<string, string>> {
  return {
    shorthand: details.shorthand,
    kind: details.kind ?? 'map',
    usage,
    initial: {},
    defaultText: 'map[]',
    hidden: details.hidden,
    parse(given, previous) {
      const [key, value] = cut(given, '=');
      return { ...previous, [key]: value ?? '' };
    },
  };
}

/** The parts before and after the first `separator`; the second is undefined if there is none. */
export function cut(given: string, separator: string): [string, string | undefined] {
  const at = given.indexOf(separator);
  return at < 0 ? [given, undefined] : [given.slice(0, at), given.slice(at + separator.length)];
}
