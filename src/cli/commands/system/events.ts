/** `gantry events` */

import { defineCommand, ExitError } from '../../command.ts';
import { EXIT_BAD_TEMPLATE } from '../../format/inspect.ts';
import { parseExact } from '../../format/json-text.ts';
import { compileTemplate, TemplateSyntaxError } from '../../format/template/template.ts';
import { toGoJson } from '../../format/template/values.ts';
import { rfc3339Nano } from '../../format/units.ts';
import { filterFlag, filterQuery } from '../../options/filters.ts';
import { text } from '../../options/flag.ts';
import { toTimestamp } from '../../options/timestamp.ts';
import { readLines } from '../../streams/lines.ts';

/** An event whose time is exact. */
interface ExactEvent {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> | null };
  time: number;
  timeNano: bigint | number;
}

export const command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    filter: filterFlag('Only events that match (name=value)'),
    format: text("Format with 'json' or a Go template"),
    since: text('Begin with events of this time'),
    until: text('End with events of this time'),
  },
  async run(session, { flags }) {
    const print = eventPrinter(flags.format);
    const now = Date.now();
    const time = (given: string) => (given === '' ? undefined : toTimestamp(given, now));
    const { body } = await session.client.stream('GET', '/events', {
      query: { since: time(flags.since), until: time(flags.until), filters: filterQuery(flags.filter) },
    });
    for await (const line of readLines(body)) session.output.out(`${print(parseExact(line))}\n`);
    return 0;
  },
});

function eventPrinter(format: string): (event: unknown) => string {
  if (format === '') return (event) => eventLine(event as ExactEvent);
  if (format === 'json') return (event) => toGoJson(event, false);
  try {
    const template = compileTemplate(format);
    return (event) => template.execute(event);
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    throw new ExitError(`Error parsing format: ${error.message}`, EXIT_BAD_TEMPLATE);
  }
}

function eventLine(event: ExactEvent): string {
  const nanoseconds = event.timeNano ? BigInt(event.timeNano) : BigInt(event.time) * 1_000_000_000n;
  const attributes = Object.entries(event.Actor.Attributes ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  const details = attributes.length === 0 ? '' : ` (${attributes.join(', ')})`;
  return `${rfc3339Nano(nanoseconds)} ${event.Type} ${event.Action} ${event.Actor.ID}${details}`;
}
