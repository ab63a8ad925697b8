/** Numbers, sizes and durations as Go's flag packages read them, with their error texts. */

import { custom, type Flag, type FlagDetails } from './flag.ts';

const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** A signed integer flag (`int` in help). */
export function integer(usage: string, details: FlagDetails<number> & { initial?: number } = {}): Flag<number> {
  const initial = details.initial ?? 0;
  return {
    shorthand: details.shorthand,
    kind: details.kind ?? 'int',
    usage,
    initial,
    defaultText: details.defaultText ?? (initial === 0 ? undefined : String(initial)),
    hidden: details.hidden,
    parse: (given) => parseInteger(given),
  };
}

/** An unsigned integer flag of at most `bits` bits. */
export function unsigned(usage: string, kind: string, bits: number, details: FlagDetails<number> = {}): Flag<number> {
  return {
    shorthand: details.shorthand,
    kind,
    usage,
    initial: 0,
    defaultText: details.defaultText,
    parse: (given) => parseUnsigned(given, bits),
  };
}

/** strconv.ParseInt(text, 0 or 10, 64). */
export function parseInteger(given: string): number {
  const value = wholeNumber(given, /^[+-]/.test(given) ? given.slice(1) : given);
  if (value === undefined) throw syntaxError('ParseInt', given);
  const signed = given.startsWith('-') ? -value : value;
  if (signed > INT64_MAX || signed < -INT64_MAX - 1n) throw rangeError('ParseInt', given);
  return Number(signed);
}

/** strconv.ParseUint(text, 10, bits). */
export function parseUnsigned(given: string, bits: number): number {
  const value = wholeNumber(given, given);
  if (value === undefined) throw syntaxError('ParseUint', given);
  if (value > UINT64_MAX || value >= 2n ** BigInt(bits)) throw rangeError('ParseUint', given);
  return Number(value);
}

function wholeNumber(_given: string, digits: string): bigint | undefined {
  if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(digits)) return undefined;
  return BigInt(digits);
}

const syntaxError = (operation: string, given: string) =>
  new Error(`strconv.${operation}: parsing ${JSON.stringify(given)}: invalid syntax`);
const rangeError = (operation: string, given: string) =>
  new Error(`strconv.${operation}: parsing ${JSON.stringify(given)}: value out of range`);

/** Binary multiples, as go-units' RAMInBytes reads them. */
const BINARY_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** A size in bytes: `512m`, `1.5GiB`, `1073741824`. */
export function parseBytes(given: string): number {
  const [, amount = '', suffix = ''] = /^(.*[0-9.]|) ?([^0-9. ]*)$/s.exec(given) ?? [];
  if (amount === '') throw new Error(`invalid size: '${given}'`);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(amount)) {
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(amount)}: invalid syntax`);
  }
  if (amount.startsWith('-')) throw new Error(`invalid size: '${given}'`);
  const unit = suffix.toLowerCase();
  const factor = unit === '' ? 1 : BINARY_UNITS[unit.charAt(0)];
  // A unit may be written k, kb or kib, but a byte only b.
  if (factor === undefined || !/^(b|[^b](b|ib)?)?$/.test(unit)) throw new Error(`invalid suffix: '${unit}'`);
  return Math.trunc(Number(amount) * factor);
}

/** A size flag (`bytes` in help). */
export function bytes(usage: string, details: FlagDetails<number> & { allowMinusOne?: boolean } = {}): Flag<number> {
  return {
    shorthand: details.shorthand,
    kind: 'bytes',
    usage,
    initial: 0,
    hidden: details.hidden,
    parse: (given) => (details.allowMinusOne && given === '-1' ? -1 : parseBytes(given)),
  };
}

/** Nanoseconds in each unit of Go's time.ParseDuration. */
const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Parses a Go duration (`1h30m`) to nanoseconds; errors are those of time.ParseDuration. */
export function parseDuration(given: string): number {
  const sign = given.startsWith('-') ? -1 : 1;
  let rest = given.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  const invalid = () => new Error(`time: invalid duration ${JSON.stringify(given)}`);
  if (rest === '') throw invalid();
  let total = 0;
  while (rest !== '') {
    const amount = /^(\d+(?:\.\d*)?|\.\d+)/.exec(rest)?.[0];
    if (amount === undefined) throw invalid();
    rest = rest.slice(amount.length);
    const unit = /^[^\d.]+/.exec(rest)?.[0];
    if (unit === undefined) throw new Error(`time: missing unit in duration ${JSON.stringify(given)}`);
    const factor = DURATION_UNITS[unit];
    if (factor === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(given)}`);
    }
    total += Number(amount) * factor;
    rest = rest.slice(unit.length);
  }
  return sign * Math.round(total);
}

/** A duration flag; its value is in nanoseconds. */
export function duration(usage: string): Flag<number | undefined> {
  return custom(usage, 'duration', parseDuration, { defaultText: '0s' });
}

/** Billionths of a CPU in one CPU (HostConfig.NanoCpus). */
const NANO = 1e9;

/** `--cpus 1.5` to billionths of a CPU. */
export function parseCpus(given: string): number {
  const fraction = /^(\d+)\/(\d+)$/.exec(given);
  const value = fraction ? Number(fraction[1]) / Number(fraction[2]) : decimal(given);
  if (value === undefined) throw new Error(`failed to parse ${given} as a rational number`);
  const nano = value * NANO;
  if (Math.abs(nano - Math.round(nano)) > 1e-4) {
    throw new Error('value is too precise');
  }
  return Math.round(nano);
}

function decimal(given: string): number | undefined {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(given) ? Number(given) : undefined;
}
