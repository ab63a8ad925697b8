/** Shows the progress messages of pull, load and import: bars on a terminal, plain lines elsewhere. */

import type { ProgressMessage } from '../../contract/docker/index.ts';
import { humanSize } from '../format/units.ts';
import { readLines } from './lines.ts';

/** Where the messages go. */
export interface ProgressTarget {
  write(text: string): void;
  /** Columns of the terminal; undefined if it is none. */
  readonly columns: number | undefined;
}

/** Below this width a terminal has no room for the bar, below the other none for the numbers (docker's limits). */
const COLUMNS_FOR_BAR = 110;
const COLUMNS_FOR_TIME = 50;
const BAR_CELLS = 50;
/** Numbers stand in a box this wide. */
const NUMBER_CELLS = 8;

/** The engine reported a failure inside the stream of messages. */
export class ProgressError extends Error {
  override readonly name = 'ProgressError';
}

/** Shows every message of a stream of JSON lines. Throws a {@link ProgressError} where the engine reports an error. */
export async function showProgress(body: AsyncIterable<Buffer>, target: ProgressTarget): Promise<void> {
  const screen = new ProgressScreen(target);
  for await (const message of readMessages(body)) screen.show(message);
}

/** The messages of a stream of JSON lines. */
export async function* readMessages(body: AsyncIterable<Buffer>): AsyncGenerator<ProgressMessage, void, void> {
  for await (const line of readLines(body)) yield JSON.parse(line);
}

/** Knows on which line of the terminal each id stands. */
export class ProgressScreen {
  readonly #target: ProgressTarget;
  #lines = new Map<string, number>();

  constructor(target: ProgressTarget) {
    this.#target = target;
  }

  /** Shows one message. Throws a {@link ProgressError} if it is one. */
  show(message: ProgressMessage): void {
    if (message.errorDetail !== undefined || message.error !== undefined) {
      throw new ProgressError(message.errorDetail?.message ?? message.error);
    }
    if (message.aux !== undefined) return;
    const { progressDetail } = message;
    if (this.#target.columns === undefined) {
      const moving = progressDetail !== undefined && Object.keys(progressDetail).length > 0;
      if (!moving && !message.progress) this.#target.write(this.#plain(message));
      return;
    }
    if (message.id === undefined || (progressDetail === undefined && !message.progress)) {
      // Output without a place of its own ends the block of lines that can still move.
      this.#lines = new Map();
      this.#target.write(this.#plain(message));
      return;
    }
    this.#target.write(this.#placed(message.id, this.#line(message, this.#target.columns)));
  }

  #plain(message: ProgressMessage): string {
    const id = message.id === undefined ? '' : `${message.id}: `;
    return message.stream === undefined ? `${id}${message.status ?? ''}\n` : `${id}${message.stream}`;
  }

  #line(message: ProgressMessage, columns: number): string {
    const bar = progressText(message.progressDetail ?? {}, columns) || message.progress || '';
    return `${message.id}: ${message.status ?? ''}${bar === '' ? '' : ` ${bar}`}`;
  }

  /** Text written to the line of `id`, with the cursor going there and back below the block. */
  #placed(id: string, text: string): string {
    const known = this.#lines.get(id);
    if (known === undefined) {
      this.#lines.set(id, this.#lines.size);
      return `${text}\n`;
    }
    const up = this.#lines.size - known;
    return `\x1b[${up}A\x1b[2K\r${text}\r\x1b[${up}B`;
  }
}

/** `[=====>     ]  1.2MB/3.4MB`, as far as the terminal has room. */
export function progressText(detail: NonNullable<ProgressMessage['progressDetail']>, columns: number): string {
  const { current = 0, total = 0, units = '', hidecounts } = detail;
  if (current <= 0 && total <= 0) return '';
  const amount = (value: number) => (units === '' ? humanSize(value) : `${value} ${units}`).padStart(NUMBER_CELLS);
  if (total <= 0) return amount(current);
  const filled = Math.min(BAR_CELLS, Math.trunc(((current / total) * 100) / 2));
  const bar =
    columns > COLUMNS_FOR_BAR ? `[${'='.repeat(filled)}>${' '.repeat(Math.max(0, BAR_CELLS - filled))}] ` : '';
  if (hidecounts || (columns <= COLUMNS_FOR_TIME && bar === '')) return bar;
  const counts = current > total ? amount(current) : `${amount(current)}/${amount(total).trim()}`;
  return `${bar}${counts}`;
}
