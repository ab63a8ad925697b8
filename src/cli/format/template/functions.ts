/** The functions of docker's templates: text/template's own and docker's additions. */

import { compareStrings, isObject, isTrue, printValue, toGoJson } from './values.ts';

/** A call failed; the message is what Go prints behind `error calling NAME: `. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
}

type TemplateFunction = (...values: unknown[]) => unknown;

/** All functions by name. `and` and `or` are here for their names only: the evaluator stops at the first decisive value. */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(elementOf, value),
  slice: (value, from, to) => sliceOf(value, from, to),
  print: (...values) => goPrint(values),
  println: (...values) => `${values.map((value) => printValue(value)).join(' ')}\n`,
  printf: (format, ...values) => goPrintf(textOf(format, 'printf'), values),
  html: (...values) => goPrint(values).replace(/[<>&'"]/g, (character) => HTML_ESCAPES[character] ?? character),
  js: (...values) => JSON.stringify(goPrint(values)).slice(1, -1),
  urlquery: (...values) => encodeURIComponent(goPrint(values)).replaceAll('%20', '+'),
  eq: (first, ...others) => others.some((other) => isEqual(first, other)),
  ne: (a, b) => !isEqual(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  json: (value) => toGoJson(value, false),
  split: (text, separator) => textOf(text, 'split').split(textOf(separator, 'split')),
  join: (values, separator) =>
    listOf(values)
      .map((value) => printValue(value))
      .join(textOf(separator, 'join')),
  title: (text) =>
    textOf(text, 'title').replace(
      /(^|[\s\-_])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  lower: (text) => textOf(text, 'lower').toLowerCase(),
  upper: (text) => textOf(text, 'upper').toUpperCase(),
  pad: (text, before, after) => padded(textOf(text, 'pad'), Number(before), Number(after)),
  truncate: (text, length) => textOf(text, 'truncate').slice(0, Number(length)),
};

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  "'": '&#39;',
  '"': '&#34;',
};

function padded(text: string, before: number, after: number): string {
  return text === '' ? text : `${' '.repeat(before)}${text}${' '.repeat(after)}`;
}

function textOf(value: unknown, who: string): string {
  if (typeof value === 'string') return value;
  throw new FunctionError(`wrong type for value; expected string; got ${goTypeName(value)} in ${who}`);
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null) return [];
  throw new FunctionError(`wrong type for value; expected []string; got ${goTypeName(value)}`);
}

/** The Go name of the type a JSON value most likely had. */
export function goTypeName(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'int';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  if (value === null) return 0;
  throw new FunctionError(`error calling len: len of type ${goTypeName(value)}`);
}

function elementOf(value: unknown, key: unknown): unknown {
  if (value === undefined) throw new FunctionError('error calling index: index of untyped nil');
  if (value === null) {
    if (typeof key === 'string') return '';
    throw new FunctionError(`error calling index: index out of range: ${String(key)}`);
  }
  if (Array.isArray(value) || typeof value === 'string') {
    if (typeof key !== 'number')
      throw new FunctionError(`error calling index: cannot index slice/array with type ${goTypeName(key)}`);
    if (key < 0 || key >= value.length) throw new FunctionError(`error calling index: index out of range: ${key}`);
    return typeof value === 'string' ? value.charCodeAt(key) : value[key];
  }
  if (!isObject(value)) throw new FunctionError(`error calling index: can't index item of type ${goTypeName(value)}`);
  const name = String(key);
  if (Object.hasOwn(value, name)) return value[name];
  // A map of texts gives its zero value for a key it does not have; other maps give nil.
  return Object.values(value).every((each) => typeof each === 'string') ? '' : null;
}

function sliceOf(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw new FunctionError(`error calling slice: can't slice item of type ${goTypeName(value)}`);
  }
  const start = from === undefined ? 0 : Number(from);
  const end = to === undefined ? value.length : Number(to);
  for (const bound of [start, end]) {
    if (bound < 0 || bound > value.length) throw new FunctionError(`error calling slice: index out of range: ${bound}`);
  }
  return value.slice(start, end);
}

function isEqual(a: unknown, b: unknown): boolean {
  if ((a === null || a === undefined) && (b === null || b === undefined)) return true;
  if (typeof a !== typeof b) {
    if (a === null || b === null || a === undefined || b === undefined) return false;
    throw new FunctionError('error calling eq: incompatible types for comparison');
  }
  return a === b;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  throw new FunctionError('error calling lt: incompatible types for comparison');
}

/** fmt.Sprint: blanks only between operands of which neither is a text. */
function goPrint(values: readonly unknown[]): string {
  return values.reduce<string>((text, value, index) => {
    const blank = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string';
    return `${text}${blank ? ' ' : ''}${printValue(value)}`;
  }, '');
}

/** fmt.Sprintf with the verbs templates use. */
function goPrintf(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width, precision, verb) => {
      if (verb === '%') return '%';
      if (next >= values.length) return `%!${verb}(MISSING)`;
      const shown = printVerb(verb, values[next++], precision === undefined ? undefined : Number(precision), flags);
      const columns = Number(width ?? 0);
      if (flags.includes('-')) return shown.padEnd(columns);
      return shown.padStart(columns, flags.includes('0') ? '0' : ' ');
    },
  );
  const extra = values.slice(next).map((value) => `${goTypeName(value)}=${printValue(value)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function printVerb(verb: string, value: unknown, precision: number | undefined, flags: string): string {
  switch (verb) {
    case 's':
    case 'v': {
      const shown = printValue(value);
      return precision === undefined ? shown : shown.slice(0, precision);
    }
    case 'q':
      return JSON.stringify(printValue(value));
    case 'd':
      if (typeof value === 'number') return flags.includes('+') && value >= 0 ? `+${value}` : printValue(value);
      break;
    case 'f':
    case 'g':
    case 'e':
      if (typeof value === 'number') return verb === 'f' ? value.toFixed(precision ?? 6) : String(value);
      break;
    case 't':
      if (typeof value === 'boolean') return String(value);
      break;
    case 'x':
    case 'X': {
      const hex = typeof value === 'number' ? value.toString(16) : Buffer.from(printValue(value)).toString('hex');
      return verb === 'x' ? hex : hex.toUpperCase();
    }
    case 'T':
      return goTypeName(value);
    case 'c':
      if (typeof value === 'number') return String.fromCodePoint(value);
      break;
  }
  return `%!${verb}(${goTypeName(value)}=${printValue(value)})`;
}
