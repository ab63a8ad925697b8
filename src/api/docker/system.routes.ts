import { invalidParameter } from '../../base/index.ts';
import { API_VERSION, type SystemInfo, type VersionResponse } from '../../contract/docker/index.ts';
import type { EventLog, LoggedEvent } from '../../events/index.ts';
import { type Exchange, type Route, route } from '../http/index.ts';
import { eventFilter } from './event-filter.ts';
import { parseFilters } from './filters.ts';
import { parseSeconds } from './times.ts';

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

/** Headers of the answer to a ping alone: it is about now, and tells which builder and cluster there is. */
const PING_HEADERS = {
  'Builder-Version': '2',
  Swarm: 'inactive',
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
};

/** What the system routes ask the engine for. */
export interface SystemSource {
  readonly events: EventLog;
  info(): SystemInfo;
  version(): VersionResponse;
  /** Nanoseconds since 1970. */
  now(): bigint;
}

/** The routes about the engine itself: ping, version, info, events. */
export function systemRoutes(system: SystemSource): Route[] {
  const ping = (exchange: Exchange) =>
    exchange.sendText(200, exchange.request.method === 'HEAD' ? '' : 'OK', PING_HEADERS);
  return [
    route('GET', '/_ping', ping),
    route('HEAD', '/_ping', ping),
    route('GET', '/version', (exchange) => exchange.sendJson(200, system.version())),
    route('GET', '/info', (exchange) => exchange.sendJson(200, system.info())),
    route('GET', '/events', (exchange) => events(system, exchange)),
  ];
}

/** Headers of every answer. Clients take the API version and the kind of server from them. */
export function standardHeaders(version: string): Record<string, string> {
  return {
    'Api-Version': API_VERSION,
    'Docker-Experimental': 'false',
    Ostype: 'linux',
    Server: `Gantry/${version} (linux)`,
  };
}

async function events(system: SystemSource, exchange: Exchange): Promise<void> {
  const [sinceText, untilText] = [exchange.query.get('since'), exchange.query.get('until')];
  const [since, until] = [parseSeconds(sinceText), parseSeconds(untilText)];
  if (since !== undefined && until !== undefined && until < since) {
    throw invalidParameter(`\`since\` time (${sinceText}) cannot be after \`until\` time (${untilText})`);
  }
  const isWanted = eventFilter(parseFilters(exchange));
  const answer = exchange.startStream('application/json');
  const send = ({ message }: LoggedEvent) => {
    if (isWanted(message)) answer.write(`${JSON.stringify(message)}\n`);
  };
  const past = since === undefined ? [] : system.events.history().filter(({ at }) => at >= since);
  for (const event of past) if (until === undefined || event.at <= until) send(event);
  const unsubscribe = system.events.subscribe(send);
  await endOf(exchange.signal, until === undefined ? undefined : until - system.now());
  unsubscribe();
  answer.end();
}

/** Settles when the client has gone, or after so many nanoseconds. */
function endOf(signal: AbortSignal, nanoseconds: bigint | undefined): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
    if (signal.aborted) resolve();
    if (nanoseconds === undefined) return;
    const timer = setTimeout(resolve, Math.max(0, Number(nanoseconds / NANOSECONDS_PER_MILLISECOND)));
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}
