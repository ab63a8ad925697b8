/** Go's zero time, which Docker's API and files use for "never". */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

// performance.timeOrigin has microsecond digits that Date.now() lacks; process.hrtime adds the nanoseconds since. The
// wall clock may be stepped while the engine runs, so the offset is taken anew whenever the two drift apart.
const DRIFT_LIMIT_NANOSECONDS = 2_000_000n;

/** A wall clock with nanosecond digits, strictly increasing, so that events and log lines keep their order. */
export class Clock {
  #offset = BigInt(Date.now()) * NANOSECONDS_PER_MILLISECOND - process.hrtime.bigint();
  #last = 0n;

  /** Nanoseconds since 1970. */
  now(): bigint {
    const wall = BigInt(Date.now()) * NANOSECONDS_PER_MILLISECOND;
    let now = this.#offset + process.hrtime.bigint();
    const drift = now - wall;
    if (drift > DRIFT_LIMIT_NANOSECONDS || drift < -DRIFT_LIMIT_NANOSECONDS) {
      this.#offset += wall - now;
      now = wall;
    }
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }

  /** The present moment as RFC 3339 text with nanoseconds, as Go prints it. */
  timestamp(): string {
    return formatTime(this.now());
  }
}

/** Nanoseconds since 1970 as RFC 3339 text in UTC; trailing zeros of the fraction are dropped, as Go's RFC3339Nano does. */
export function formatTime(nanoseconds: bigint): string {
  const seconds = nanoseconds / NANOSECONDS_PER_SECOND;
  const fraction = nanoseconds % NANOSECONDS_PER_SECOND;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  const digits = fraction.toString().padStart(9, '0').replace(/0+$/, '');
  return digits === '' ? `${whole}Z` : `${whole}.${digits}Z`;
}

/** RFC 3339 text as nanoseconds since 1970; undefined if it is not such a time or Go's zero time. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match || text === ZERO_TIME) return undefined;
  const milliseconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * NANOSECONDS_PER_MILLISECOND + BigInt((match[2] ?? '').padEnd(9, '0'));
}
