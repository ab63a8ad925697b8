/** Sizes, ages and ids in the words docker prints them in (go-units). */

/** Length of the ids that lists print. */
const SHORT_ID_LENGTH = 12;

/** The first characters of an id, without a leading `sha256:`. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, SHORT_ID_LENGTH);
}

const DECIMAL_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** A size with `digits` significant digits and decimal units: `1.98MB` (HumanSizeWithPrecision). */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, 1000, digits, DECIMAL_UNITS);
}

/** A size with binary units: `23.54GiB` (BytesSize). */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, 4, BINARY_UNITS);
}

function scaled(bytes: number, base: number, digits: number, units: readonly string[]): string {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${significant(value, digits)}${units[unit]}`;
}

/** %.<digits>g of a number below a few thousand: no trailing zeros; an exponent once the digits do not reach. */
function significant(value: number, digits: number): string {
  const [mantissa = '', exponent] = value.toPrecision(digits).split('e');
  const trimmed = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  if (exponent === undefined) return trimmed;
  return `${trimmed.replace(/\.?0+$/, '')}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`;
}

const SECONDS_PER_MINUTE = 60;
const MINUTES_PER_HOUR = 60;
const HOURS_PER_DAY = 24;
const DAYS_PER_WEEK = 7;
const DAYS_PER_MONTH = 30;
const DAYS_PER_YEAR = 365;

/** An age in words: `About a minute`, `3 weeks` (HumanDuration). */
export function humanDuration(seconds: number): string {
  const whole = Math.trunc(seconds);
  if (whole < 1) return 'Less than a second';
  if (whole === 1) return '1 second';
  if (whole < SECONDS_PER_MINUTE) return `${whole} seconds`;
  const minutes = Math.trunc(seconds / SECONDS_PER_MINUTE);
  if (minutes === 1) return 'About a minute';
  if (minutes < MINUTES_PER_HOUR) return `${minutes} minutes`;
  const exactHours = seconds / (SECONDS_PER_MINUTE * MINUTES_PER_HOUR);
  const hours = Math.trunc(exactHours + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < HOURS_PER_DAY * 2) return `${hours} hours`;
  const days = Math.trunc(hours / HOURS_PER_DAY);
  if (hours < HOURS_PER_DAY * DAYS_PER_WEEK * 2) return `${days} days`;
  if (hours < HOURS_PER_DAY * DAYS_PER_MONTH * 2) return `${Math.trunc(days / DAYS_PER_WEEK)} weeks`;
  if (hours < HOURS_PER_DAY * DAYS_PER_YEAR * 2) return `${Math.trunc(days / DAYS_PER_MONTH)} months`;
  return `${Math.trunc(exactHours / HOURS_PER_DAY / DAYS_PER_YEAR)} years`;
}

/** `3 minutes ago`, for a time in seconds since 1970; empty for no time. */
export function ago(unixSeconds: number, now: number = Date.now()): string {
  return `${humanDuration(now / 1000 - unixSeconds)} ago`;
}

/** A time as Go prints a time.Time in the local zone: `2026-11-21 03:03:41 +0000 UTC`. */
export function goTime(unixSeconds: number): string {
  const time = new Date(unixSeconds * 1000);
  const offset = -time.getTimezoneOffset();
  const zone = /\(([^)]*)\)/.exec(time.toString())?.[1] ?? '';
  const short = offset === 0 ? 'UTC' : (zone.match(/^[A-Z]{2,5}$/)?.[0] ?? offsetText(offset));
  return `${localDate(time)} ${localClock(time)} ${offsetText(offset)} ${short}`;
}

/** A time as RFC 3339 with the local zone: `2026-11-21T03:03:41Z`. */
export function rfc3339(unixSeconds: number): string {
  const time = new Date(unixSeconds * 1000);
  const offset = -time.getTimezoneOffset();
  return `${localDate(time)}T${localClock(time)}${zoneSuffix(offset)}`;
}

/** Nanoseconds since 1970 as RFC 3339 with nine decimals and the local zone, as `docker events` prints them. */
export function rfc3339Nano(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n;
  const fraction = String(nanoseconds % 1_000_000_000n).padStart(9, '0');
  const time = new Date(Number(seconds) * 1000);
  return `${localDate(time)}T${localClock(time)}.${fraction}${zoneSuffix(-time.getTimezoneOffset())}`;
}

const two = (value: number) => String(value).padStart(2, '0');
const localDate = (time: Date) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
const localClock = (time: Date) => `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}${two(size % 60)}`;
}

function zoneSuffix(minutes: number): string {
  return minutes === 0 ? 'Z' : offsetText(minutes).replace(/(..)$/, ':$1');
}

/** Cuts a text to `length` characters, the last one an ellipsis (formatter.Ellipsis). */
export function ellipsis(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  return length <= 1 ? characters.slice(0, length).join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/** A time in RFC 3339 as Go prints a time.Time: `2026-11-21 03:00:51.702179819 +0000 UTC`. */
export function goTimeOf(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return text;
  const [, date, clock, fraction = '', zone = ''] = match;
  const offset = zone === 'Z' ? '+0000' : zone.replace(':', '');
  const decimals = fraction.replace(/0+$/, '').replace(/^\.$/, '');
  return `${date} ${clock}${decimals} ${offset} ${zone === 'Z' ? 'UTC' : offset}`;
}
