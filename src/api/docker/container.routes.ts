import { invalidParameter, systemError } from '../../base/index.ts';
import type { Containers } from '../../containers/index.ts';
import { type Exchange, type Route, route } from '../http/index.ts';
import { hijackedStream, streamContentType, writeWithPause } from './client-stream.ts';
import { parseFilters } from './filters.ts';
import { logStream } from './log-stream.ts';
import { containerCreate, type DecodedContainerCreate } from './shapes.ts';

/** The routes of the container resource. */
export function containerRoutes(containers: Containers): Route[] {
  const id = (exchange: Exchange) => exchange.parameter('id');
  return [
    route('GET', '/containers/json', (exchange) => list(containers, exchange)),
    route('POST', '/containers/create', (exchange) => create(containers, exchange)),
    route('GET', '/containers/:id/json', async (exchange) => {
      const inspected = await containers.inspect(id(exchange), { size: exchange.flag('size') });
      exchange.sendJson(200, inspected);
    }),
    route('POST', '/containers/:id/start', async (exchange) => {
      await containers.start(id(exchange));
      exchange.sendStatus(204);
    }),
    route('POST', '/containers/:id/stop', async (exchange) => {
      await containers.stop(id(exchange), stopOptions(exchange));
      exchange.sendStatus(204);
    }),
    route('POST', '/containers/:id/restart', async (exchange) => {
      await containers.restart(id(exchange), stopOptions(exchange));
      exchange.sendStatus(204);
    }),
    route('POST', '/containers/:id/kill', async (exchange) => {
      await containers.kill(id(exchange), exchange.query.get('signal') ?? '');
      exchange.sendStatus(204);
    }),
    route('POST', '/containers/:id/pause', async (exchange) => {
      await containers.pause(id(exchange));
      exchange.sendStatus(204);
    }),
    route('POST', '/containers/:id/unpause', async (exchange) => {
      await containers.unpause(id(exchange));
      exchange.sendStatus(204);
    }),
    route('POST', '/containers/:id/rename', async (exchange) => {
      await containers.rename(id(exchange), exchange.query.get('name') ?? '');
      exchange.sendStatus(204);
    }),
    route('DELETE', '/containers/:id', async (exchange) => {
      if (exchange.flag('link')) throw invalidParameter('links of the default bridge cannot be removed');
      await containers.remove(id(exchange), { force: exchange.flag('force'), volumes: exchange.flag('v') });
      exchange.sendStatus(204);
    }),
    route('POST', '/containers/:id/wait', (exchange) => wait(containers, exchange)),
    route('POST', '/containers/:id/attach', (exchange) => attach(containers, exchange)),
    route('POST', '/containers/:id/resize', (exchange) => {
      containers.resize(id(exchange), size(exchange, 'h'), size(exchange, 'w'));
      exchange.sendStatus(200);
    }),
    route('GET', '/containers/:id/logs', (exchange) => logs(containers, exchange)),
    route('GET', '/containers/:id/top', async (exchange) => {
      exchange.sendJson(200, await containers.top(id(exchange), exchange.query.get('ps_args') ?? ''));
    }),
  ];
}

async function list(containers: Containers, exchange: Exchange): Promise<void> {
  const summaries = await containers.list({
    size: exchange.flag('size'),
    all: exchange.flag('all'),
    limit: integer(exchange, 'limit') ?? 0,
    filters: parseFilters(exchange),
  });
  exchange.sendJson(200, summaries);
}

async function create(containers: Containers, exchange: Exchange): Promise<void> {
  const body = await exchange.requiredJson<DecodedContainerCreate>(containerCreate);
  const { HostConfig: hostConfig, NetworkingConfig: networking, ...config } = body;
  const endpoints = Object.entries(networking?.EndpointsConfig ?? {}).map(([name, endpoint]) => {
    if (endpoint !== null) return [name, endpoint] as const;
    throw invalidParameter(`invalid config for network ${name}: EndpointsConfig is nil`);
  });
  const created = await containers.create({
    name: exchange.query.get('name') ?? '',
    config,
    hostConfig,
    endpoints: Object.fromEntries(endpoints),
    platform: exchange.query.get('platform') ?? '',
  });
  exchange.sendJson(201, { Id: created.id, Warnings: created.warnings });
}

async function wait(containers: Containers, exchange: Exchange): Promise<void> {
  const condition = exchange.query.get('condition') ?? '';
  const { ended } = containers.wait(exchange.parameter('id'), condition, exchange.signal);
  // The head goes out now: `docker run` starts the container only when it knows that its wait is registered.
  const answer = exchange.startStream('application/json');
  const exit = await ended;
  if (exit === undefined) return;
  answer.end(`${JSON.stringify({ StatusCode: exit.code, ...(exit.error && { Error: { Message: exit.error } }) })}\n`);
}

async function attach(containers: Containers, exchange: Exchange): Promise<void> {
  const id = exchange.parameter('id');
  const request = {
    stdin: exchange.flag('stdin'),
    stdout: exchange.flag('stdout'),
    stderr: exchange.flag('stderr'),
    logs: exchange.flag('logs'),
    stream: exchange.flag('stream'),
    detachKeys: exchange.query.get('detachKeys') ?? '',
  };
  let begun = false;
  try {
    const terminal = containers.hasTerminal(id);
    await containers.attach(id, request, () => {
      begun = true;
      return hijackedStream(exchange, terminal);
    });
  } catch (error) {
    if (begun) throw error;
    exchange.sendRawError(error);
  }
}

async function logs(containers: Containers, exchange: Exchange): Promise<void> {
  const id = exchange.parameter('id');
  const terminal = containers.hasTerminal(id);
  const lines = logStream(containers, exchange, terminal);
  const answer = exchange.startStream(streamContentType(exchange, terminal));
  for await (const line of lines) {
    await writeWithPause(answer, line);
    if (exchange.signal.aborted) return;
  }
  answer.end();
}

function stopOptions(exchange: Exchange) {
  return { signal: exchange.query.get('signal') ?? '', timeout: integer(exchange, 't') };
}

function integer(exchange: Exchange, name: string): number | undefined {
  const text = exchange.query.get(name);
  if (text === null || text === '') return undefined;
  // dockerd passes this failure on as an internal one.
  if (!/^-?\d+$/.test(text)) throw systemError(`strconv.Atoi: parsing "${text}": invalid syntax`);
  return Number(text);
}

/** A terminal's height or width; the kernel's limit is 16 bits (ioctl_tty(2), struct winsize). */
function size(exchange: Exchange, name: 'h' | 'w'): number {
  const value = integer(exchange, name) ?? 0;
  if (value < 0 || value > 0xffff)
    throw invalidParameter(`invalid resize ${name === 'h' ? 'height' : 'width'} "${value}"`);
  return value;
}
