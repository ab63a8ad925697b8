import { constants } from 'node:os';
import { invalidParameter } from '../base/index.ts';

/** Highest real-time signal of Linux (signal(7)). */
const LAST_SIGNAL = 64;
const FIRST_REAL_TIME_SIGNAL = 34;

/** The number of a signal given as `TERM`, `SIGTERM`, `15` or `RTMIN+3`. Throws invalidParameter (`invalid signal: …`). */
export function parseSignal(text: string): number {
  const isNumber = /^\d+$/.test(text);
  const number = isNumber ? Number(text) : signalOfName(text.toUpperCase().replace(/^SIG/, ''));
  if (number === undefined || number < 1) throw invalidParameter(`invalid signal: ${text}`);
  if (number > LAST_SIGNAL) throw invalidParameter(`the linux daemon does not support signal ${number}`);
  return number;
}

function signalOfName(name: string): number | undefined {
  const known: Readonly<Record<string, number>> = constants.signals;
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (!realTime) return known[`SIG${name}`];
  const base = realTime[1] === 'MIN' ? FIRST_REAL_TIME_SIGNAL : LAST_SIGNAL;
  return base + Number(`${realTime[2] ?? '+'}${realTime[3] ?? '0'}`);
}

export const SIGKILL = constants.signals.SIGKILL;
export const SIGTERM = constants.signals.SIGTERM;
