import { invalidParameter } from '../../base/index.ts';
import type { Containers, LogEntry } from '../../containers/index.ts';
import { type Exchange, frame } from '../http/index.ts';
import { parseMoment } from './times.ts';

/** The lines of `GET /containers/{id}/logs`, ready to send. Throws at once for a bad request. */
export function logStream(containers: Containers, exchange: Exchange, terminal: boolean): AsyncGenerator<Buffer> {
  const stdout = exchange.flag('stdout');
  const stderr = exchange.flag('stderr');
  if (!stdout && !stderr) throw invalidParameter('Bad parameters: you must choose at least one stream');
  const entries = containers.logs(exchange.parameter('id'), {
    stdout,
    stderr,
    since: parseMoment(exchange.query.get('since')),
    until: parseMoment(exchange.query.get('until')),
    tail: parseTail(exchange.query.get('tail')),
    follow: exchange.flag('follow'),
    signal: exchange.signal,
  });
  const timestamps = exchange.flag('timestamps');
  const details = exchange.flag('details');
  return render(entries, { timestamps, details, terminal });
}

async function* render(
  entries: AsyncIterable<LogEntry>,
  { timestamps, details, terminal }: { timestamps: boolean; details: boolean; terminal: boolean },
): AsyncGenerator<Buffer> {
  for await (const { line, stream, time, attributes } of entries) {
    const extras = details
      ? `${Object.entries(attributes)
          .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
          .join(',')} `
      : '';
    const data = Buffer.from(`${timestamps ? `${padNanoseconds(time)} ` : ''}${extras}${line}`);
    yield terminal ? data : frame(stream, data);
  }
}

/** A number of lines; `all`, nothing, or anything that is no number means all (moby `container_routes.go`). */
function parseTail(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** dockerd prints log times with all nine digits of the fraction, also where the file has fewer. */
function padNanoseconds(time: string): string {
  const [, whole = '', fraction = ''] = /^([^.Z]*)(?:\.(\d+))?Z$/.exec(time) ?? [undefined, time];
  return whole === time ? time : `${whole}.${fraction.padEnd(9, '0')}Z`;
}
