import { parseTime, systemError } from '../../base/index.ts';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/**
 * A moment as clients give it in `since` and `until`: seconds since 1970 with an optional fraction, or RFC 3339.
 * Nanoseconds since 1970; undefined for an absent or empty parameter. Throws a system error, as dockerd.
 */
export function parseMoment(text: string | null): bigint | undefined {
  if (text === null || text === '') return undefined;
  const moment = secondsIn(text) ?? parseTime(text);
  // dockerd's parser complains about the integer it tried last, and counts that as its own failure.
  if (moment === undefined) throw systemError(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return moment;
}

/** Seconds since 1970 with an optional fraction, as nanoseconds; what dockerd's events take. Throws systemError, as it does. */
export function parseSeconds(text: string | null): bigint | undefined {
  if (text === null || text === '') return undefined;
  const moment = secondsIn(text);
  if (moment === undefined) throw systemError(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return moment;
}

function secondsIn(text: string): bigint | undefined {
  const match = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1] ?? '0') * NANOSECONDS_PER_SECOND + BigInt((match[2] ?? '').padEnd(9, '0'));
}
