import { pipeline } from 'node:stream/promises';
import { invalidParameter, messageOf } from '../../base/index.ts';
import type { Containers } from '../../containers/index.ts';
import type { ProgressMessage } from '../../contract/docker/index.ts';
import { type Images, pullReference, targetReference } from '../../images/index.ts';
import { parseCredentials, parsePlatform } from '../../registry/index.ts';
import { type Exchange, type Route, route } from '../http/index.ts';
import { parseFilters } from './filters.ts';
import { inspectView, summaryView } from './image-views.ts';

/** The routes of the image resource. */
export function imageRoutes(images: Images, containers: Pick<Containers, 'usersOfImage'>): Route[] {
  const usersOf = (imageId: string) => containers.usersOfImage(imageId);
  const name = (exchange: Exchange) => exchange.parameter('name');
  return [
    route('GET', '/images/json', (exchange) => {
      const listed = images.list({
        all: exchange.flag('all'),
        filters: Object.fromEntries(parseFilters(exchange)),
        sharedSize: exchange.flag('shared-size'),
        usersOf,
      });
      exchange.sendJson(
        200,
        listed.map((image) => summaryView(image, exchange.version)),
      );
    }),
    route('POST', '/images/create', (exchange) =>
      exchange.query.get('fromImage') ? pull(images, exchange) : importImage(images, exchange),
    ),
    route('POST', '/images/load', (exchange) => load(images, exchange)),
    route('GET', '/images/get', (exchange) => {
      const names = exchange.query.getAll('names').flatMap((list) => list.split(','));
      return save(
        images,
        exchange,
        names.filter((one) => one !== ''),
      );
    }),
    route('GET', '/images/:name*/get', (exchange) => save(images, exchange, [name(exchange)])),
    route('GET', '/images/:name*/json', (exchange) =>
      exchange.sendJson(200, inspectView(images.inspect(name(exchange)), exchange.version)),
    ),
    route('GET', '/images/:name*/history', (exchange) => exchange.sendJson(200, images.history(name(exchange)))),
    route('POST', '/images/:name*/tag', async (exchange) => {
      const target = targetReference(exchange.query.get('repo') ?? '', exchange.query.get('tag') ?? '');
      if (target === undefined) throw invalidParameter('invalid reference format');
      await images.tag(name(exchange), target);
      exchange.sendStatus(201);
    }),
    route('DELETE', '/images/:name*', async (exchange) => {
      const removed = await images.remove(name(exchange), {
        force: exchange.flag('force'),
        noprune: exchange.flag('noprune'),
        usersOf,
      });
      exchange.sendJson(200, removed);
    }),
  ];
}

async function pull(images: Images, exchange: Exchange): Promise<void> {
  const reference = pullReference(exchange.query.get('fromImage') ?? '', exchange.query.get('tag') ?? '');
  const credentials = exchange.request.headers['x-registry-auth'];
  await streamProgress(exchange, (onProgress) =>
    images.pull({
      reference,
      platform: platformOf(exchange),
      credentials: parseCredentials(Array.isArray(credentials) ? credentials[0] : credentials),
      onProgress,
      signal: exchange.signal,
    }),
  );
}

async function importImage(images: Images, exchange: Exchange): Promise<void> {
  const source = exchange.query.get('fromSrc') ?? '';
  // dockerd would fetch a URL here; the client can do that itself, with its own proxy and credentials.
  if (source !== '-') throw invalidParameter(`cannot import from ${source || 'nothing'}: send the archive as the body`);
  const repository = exchange.query.get('repo') ?? '';
  const reference = repository === '' ? undefined : targetReference(repository, exchange.query.get('tag') ?? '');
  await streamProgress(exchange, async (onProgress) => {
    const id = await images.import({
      body: exchange.body,
      reference,
      message: exchange.query.get('message') || undefined,
      changes: exchange.query.getAll('changes'),
      platform: platformOf(exchange),
      signal: exchange.signal,
    });
    onProgress({ status: id });
  });
}

async function load(images: Images, exchange: Exchange): Promise<void> {
  await streamProgress(exchange, (onProgress) =>
    images.load({
      body: exchange.body,
      quiet: exchange.flag('quiet', true),
      platform: platformOf(exchange),
      onProgress,
      signal: exchange.signal,
    }),
  );
}

async function save(images: Images, exchange: Exchange, names: readonly string[]): Promise<void> {
  const archive = images.save(names);
  await pipeline(archive, exchange.startStream('application/x-tar'));
}

/**
 * Answers with a stream of JSON messages, one a line. An error before the first is the request's own; later ones go into
 * the stream, where clients look for them (`errorDetail`).
 */
async function streamProgress(
  exchange: Exchange,
  work: (onProgress: (message: ProgressMessage) => void) => Promise<void>,
): Promise<void> {
  let answer: NodeJS.WritableStream | undefined;
  const send = (message: ProgressMessage) => {
    answer ??= exchange.startStream('application/json');
    answer.write(`${JSON.stringify(message)}\r\n`);
  };
  try {
    await work(send);
    answer ??= exchange.startStream('application/json');
  } catch (error) {
    if (answer === undefined) throw error;
    send({ errorDetail: { message: messageOf(error) }, error: messageOf(error) });
  }
  answer.end();
}

function platformOf(exchange: Exchange) {
  const text = exchange.query.get('platform') ?? '';
  return text === '' ? undefined : parsePlatform(text);
}
