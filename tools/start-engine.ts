/**
 * Starts the engine in the background with its default settings and waits until it answers; gives an engine without any
 * image the embedded ones. The launcher `gantry` runs it when no engine answers.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, mkdirSync, openSync, readFileSync, statSync, watch } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const RUN_DIRECTORY = '/run/gantry';
const SOCKET = join(RUN_DIRECTORY, 'gantry.sock');
const LOG_DIRECTORY = '/var/log/gantry';
const LOG = join(LOG_DIRECTORY, 'gantryd.log');

/** An engine that recovers thousands of containers may need long; one that needs longer than this is stuck. Milliseconds. */
const START_TIMEOUT = 60_000;

/** Between looks at the socket if no event came: the socket is there a moment before the engine listens. Milliseconds. */
const RETRY_INTERVAL = 50;

/** Bytes of the log's end that explain a failed start. */
const LOG_TAIL = 2000;

try {
  await startEngine();
  await loadEmbeddedImages();
} catch (error) {
  process.stderr.write(`gantry: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function startEngine(): Promise<void> {
  mkdirSync(RUN_DIRECTORY, { recursive: true, mode: 0o711 });
  mkdirSync(LOG_DIRECTORY, { recursive: true });
  const log = openSync(LOG, 'a', 0o640);
  const logStart = statSync(LOG).size;
  // Watching begins before the engine does, so that the socket's appearance cannot be missed.
  const watcher = watch(RUN_DIRECTORY);
  try {
    process.stderr.write(`gantry: starting the engine (log: ${LOG})\n`);
    const engine = spawn(process.execPath, [join(import.meta.dirname, 'gantryd.js')], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log, log],
    });
    await untilItAnswers(watcher, once(engine, 'exit'), logStart);
    engine.unref();
  } finally {
    watcher.close();
    closeSync(log);
  }
}

async function untilItAnswers(
  watcher: ReturnType<typeof watch>,
  exit: Promise<unknown[]>,
  logStart: number,
): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT;
  const ended = exit.then(([code, signal]) => ({ reason: `it ended with ${signal ?? `status ${code}`}` }));
  for (;;) {
    if (await answers()) return;
    const waiting = new AbortController();
    const { signal } = waiting;
    const change = once(watcher, 'change', { signal }).then(
      () => undefined,
      () => undefined,
    );
    const end = await Promise.race([ended, change, delay(RETRY_INTERVAL, undefined, { signal })]);
    waiting.abort();
    if (end !== undefined) {
      // Somebody else may have started one in the meantime.
      if (await answers()) return;
      throw new Error(`the engine could not be started: ${end.reason}\n${logSince(logStart)}`);
    }
    if (performance.now() > deadline) {
      throw new Error(`the engine does not answer after ${START_TIMEOUT / 1000} s\n${logSince(logStart)}`);
    }
  }
}

async function answers(): Promise<boolean> {
  return ask('GET', '/_ping').then(
    (answer) => answer.resume().statusCode === 200,
    () => false,
  );
}

function logSince(start: number): string {
  return readFileSync(LOG).subarray(start).subarray(-LOG_TAIL).toString().trimEnd();
}

async function loadEmbeddedImages(): Promise<void> {
  const archive = join(import.meta.dirname, 'images.tar');
  const images: unknown = JSON.parse(await textOf(await ask('GET', '/images/json?all=1')));
  if (!Array.isArray(images) || images.length > 0) return;
  const answer = await ask('POST', '/images/load?quiet=1', archive);
  const text = await textOf(answer);
  if (answer.statusCode !== 200 || text.includes('"errorDetail"')) {
    throw new Error(`the embedded images could not be loaded: ${text}`);
  }
}

/** Sends a request, with the file `body` if there is one, and resolves to its answer. */
function ask(method: string, path: string, body?: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request({ socketPath: SOCKET, method, path, agent: false }, resolve);
  outgoing.on('error', reject);
  if (body === undefined) outgoing.end();
  else createReadStream(body).on('error', reject).pipe(outgoing);
  return promise;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  return Buffer.concat(await answer.toArray()).toString();
}
