/** Points in time as users write them: RFC 3339 in parts or whole, seconds since 1970, or a time before now. */

import { parseDuration } from './numbers.ts';

const NANOSECONDS_PER_MILLISECOND = 1e6;

/** The API's form: seconds since 1970, with nine decimals where there are any. Throws docker's text. */
export function toTimestamp(given: string, nowMilliseconds: number): string {
  const ago = attempt(() => parseDuration(given));
  if (ago !== undefined) {
    return String(Math.floor((nowMilliseconds - ago / NANOSECONDS_PER_MILLISECOND) / 1000));
  }
  if (/^\d+(\.\d+)?$/.test(given)) return given;
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(given);
  if (match === null) throw new Error(`failed to parse value as time or duration: ${JSON.stringify(given)}`);
  const [, date = '', hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = match;
  // Without a zone Date reads a time of day as local, which is what docker does.
  const milliseconds = new Date(`${date}T${hour}:${minute}:${second}${zone}`).getTime();
  if (Number.isNaN(milliseconds)) {
    throw new Error(`failed to parse value as time or duration: ${JSON.stringify(given)}`);
  }
  return `${Math.floor(milliseconds / 1000)}.${fraction.slice(1).padEnd(9, '0')}`;
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
