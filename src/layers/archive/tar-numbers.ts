import type { FileTime } from '../../linux/index.ts';
import { invalidHeader } from './tar-errors.ts';

const BASE_256_FLAG = 0x80;
const BASE_256_NEGATIVE = 0x40;
const ZERO = 0x30;
const SEVEN = 0x37;
const SPACE = 0x20;

/**
 * A number of a header block: octal digits with spaces and zero bytes around them, or, if the first bit is set, a
 * big-endian two's complement number (GNU tar manual, "Basic Tar Format"). Throws invalidHeader for anything else.
 */
export function parseNumber(field: Uint8Array): number {
  return ((field[0] ?? 0) & BASE_256_FLAG) !== 0 ? parseBase256(field) : parseOctal(field);
}

function parseBase256(field: Uint8Array): number {
  const negative = ((field[0] ?? 0) & BASE_256_NEGATIVE) !== 0;
  let value = 0n;
  for (const [index, byte] of field.entries()) {
    const bits = index === 0 ? byte & (BASE_256_FLAG - 1) : byte;
    value = (value << 8n) | BigInt(bits);
  }
  if (negative) value -= 1n << BigInt(field.length * 8 - 1);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidHeader('number out of range');
  return number;
}

function parseOctal(field: Uint8Array): number {
  let start = 0;
  while (start < field.length && (field[start] === SPACE || field[start] === 0)) start += 1;
  let value = 0;
  let index = start;
  for (; index < field.length; index++) {
    const digit = field[index] ?? 0;
    if (digit === SPACE || digit === 0) break;
    if (digit < ZERO || digit > SEVEN) throw invalidHeader('not an octal number');
    value = value * 8 + (digit - ZERO);
  }
  for (let rest = index; rest < field.length && field[rest] !== 0; rest++) {
    if (field[rest] !== SPACE) throw invalidHeader('not an octal number');
  }
  return value;
}

/** The decimal integer of an extended header. */
export function parseDecimal(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw invalidHeader('not a decimal number');
  return value;
}

const NANOSECOND_DIGITS = 9;
const NANOSECONDS_PER_SECOND = 1_000_000_000;

/** A time of an extended header: decimal seconds with an optional fraction (pax(1)). */
export function parseTimeRecord(text: string): FileTime {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  const seconds = Number(match?.[2]);
  if (match === null || !Number.isSafeInteger(seconds)) throw invalidHeader('not a time');
  const nanoseconds = Number((match[3] ?? '').slice(0, NANOSECOND_DIGITS).padEnd(NANOSECOND_DIGITS, '0'));
  if (match[1] === '') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds: 0 }
    : { seconds: -seconds - 1, nanoseconds: NANOSECONDS_PER_SECOND - nanoseconds };
}
