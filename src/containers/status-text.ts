import type { LastRun, Phase } from './phase.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

/** The STATUS column of `docker ps`: "Up 3 minutes", "Exited (0) 2 hours ago". `now` in milliseconds. */
export function statusText(phase: Phase, lastRun: LastRun, now: number): string {
  const since = (time: string) => humanDuration((now - Date.parse(time)) / 1000);
  switch (phase.name) {
    case 'created':
      return 'Created';
    case 'running':
      return `Up ${since(lastRun.startedAt)}${phase.paused ? ' (Paused)' : ''}`;
    case 'restarting':
      return `Restarting (${lastRun.exitCode}) ${since(lastRun.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'exited':
      return `Exited (${lastRun.exitCode}) ${since(lastRun.finishedAt)} ago`;
  }
}

/** A rough length of time in words, with the thresholds of docker/go-units (HumanDuration). */
export function humanDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const rounded = (unit: number) => Math.floor(whole / unit);
  if (whole < 1) return 'Less than a second';
  if (whole === 1) return '1 second';
  if (whole < MINUTE) return `${whole} seconds`;
  if (rounded(MINUTE) === 1) return 'About a minute';
  if (rounded(MINUTE) < 60) return `${rounded(MINUTE)} minutes`;
  const hours = Math.round(seconds / HOUR);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (whole < 2 * WEEK) return `${rounded(DAY)} days`;
  if (whole < 2 * MONTH) return `${rounded(WEEK)} weeks`;
  if (whole < 2 * YEAR) return `${rounded(MONTH)} months`;
  return `${rounded(YEAR)} years`;
}
