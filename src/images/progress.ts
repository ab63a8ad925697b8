/** Progress messages as dockerd words and draws them (`jsonmessage`). */
import type { Digest } from '../base/index.ts';
import { shortId } from '../base/index.ts';
import type { ProgressMessage } from '../contract/docker/index.ts';

export type OnProgress = (message: ProgressMessage) => void;

/** A bar has so many characters; each stands for two per cent. */
const BAR_LENGTH = 50;

/** One step in the life of a layer. */
export function layerStatus(
  layer: Digest,
  status: string,
  progress?: { current: number; total: number },
): ProgressMessage {
  const id = shortId(layer);
  if (progress === undefined) return { status, progressDetail: {}, id };
  return { status, progressDetail: progress, progress: drawProgress(progress.current, progress.total), id };
}

/** `[====>      ]  36.45kB/1.084MB` */
export function drawProgress(current: number, total: number): string {
  const now = humanSize(current).padStart(8);
  if (total <= 0 || current > total) return now;
  const filled = Math.min(BAR_LENGTH, Math.floor((current / total) * BAR_LENGTH));
  const bar = `[${'='.repeat(filled)}>${' '.repeat(BAR_LENGTH - filled)}]`;
  return `${bar} ${now}/${humanSize(total)}`;
}

/** A size with four significant digits and decimal units (go-units HumanSize). */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}

/** Clients redraw a line at most so often; dockerd sends no more either. */
const REPORT_INTERVAL_MILLISECONDS = 100;

/** Passes on the first report, the one that says `last`, and of those between only one per interval. */
export function rateLimited<T>(report: (value: T) => void): (value: T, last: boolean) => void {
  let next = 0;
  return (value, last) => {
    const now = performance.now();
    if (!last && now < next) return;
    next = now + REPORT_INTERVAL_MILLISECONDS;
    report(value);
  };
}
