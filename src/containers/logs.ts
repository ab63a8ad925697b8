import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createGunzip } from 'node:zlib';
import { conflict, errnoOf, notImplemented, parseTime } from '../base/index.ts';
import type { ContainerContext } from './context.ts';
import { containerFiles } from './state-files.ts';

/** Bytes read at a time: some thousand lines. */
const CHUNK_BYTES = 256 << 10;

const NEWLINE = 0x0a;

export interface LogRequest {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Nanoseconds since 1970. */
  readonly since?: bigint | undefined;
  readonly until?: bigint | undefined;
  /** Only so many of the last entries. */
  readonly tail?: number | undefined;
  /** Go on with what is logged from now on, until the container ends. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** One entry of the log: a line with its end, or a part of a long one. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A line of a json-file log (moby `daemon/logger/jsonfilelog`). */
interface JsonLine {
  log?: string;
  stream?: 'stdout' | 'stderr';
  time: string;
  attrs?: Record<string, string>;
}

/**
 * The container's log, oldest entry first. Throws at once: notFound, and notImplemented where its driver cannot be read.
 */
export function readLogs(context: ContainerContext, idOrName: string, request: LogRequest): AsyncGenerator<LogEntry> {
  const container = context.store.get(idOrName);
  const driver = container.record.hostConfig.LogConfig.Type;
  if (driver === 'none') throw notImplemented('configured logging driver does not support reading');
  if (container.phase.name === 'removing' || container.phase.name === 'dead') {
    throw conflict('can not get logs from container which is dead or marked for removal');
  }
  const { log: path } = containerFiles(context.directories.containers, container.id);
  // Registered before the first read, so that an end in between is not missed.
  const ended = new Promise<void>((resolve) => {
    const stop = container.onNext('next-exit', () => resolve());
    request.signal.addEventListener('abort', () => {
      stop();
      resolve();
    });
    if (container.phase.name !== 'running' && container.phase.name !== 'restarting') {
      stop();
      resolve();
    }
  });
  return entries(path, ended, request);
}

async function* entries(path: string, ended: Promise<void>, request: LogRequest): AsyncGenerator<LogEntry> {
  const lines = request.follow ? follow(path, request.tail, ended, request.signal) : past(path, request.tail);
  for await (const line of lines) {
    const entry = parseEntry(line);
    if (entry === undefined || !request[entry.stream]) continue;
    const time = request.since || request.until ? (parseTime(entry.time) ?? 0n) : 0n;
    if (request.since !== undefined && time < request.since) continue;
    if (request.until !== undefined && time > request.until) return;
    if (request.signal.aborted) return;
    yield entry;
  }
}

function parseEntry(line: Buffer): LogEntry | undefined {
  try {
    const { log = '', stream = 'stdout', time, attrs = {} } = JSON.parse(line.toString('utf8')) as JsonLine;
    return { line: log, stream, time, attributes: attrs };
  } catch {
    // A full disk or a crash of the machine can leave a broken line; the next one is whole again.
    return undefined;
  }
}

/** Every line there is now, rotated files first; or the last `tail` of them. */
async function* past(path: string, tail: number | undefined): AsyncGenerator<Buffer> {
  const files = await logFiles(path);
  if (tail !== undefined) {
    yield* await lastLines(files, tail);
    return;
  }
  for (const file of files) yield* linesOf(file);
}

/** The log's files, oldest first: `x.2.gz`, `x.1`, `x`. */
async function logFiles(path: string): Promise<string[]> {
  const name = basename(path);
  const numberOf = (file: string) => Number(/\.(\d+)(?:\.gz)?$/.exec(file.slice(name.length))?.[1] ?? 0);
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((file) => file === name || (/^\.\d+(\.gz)?$/.test(file.slice(name.length)) && file.startsWith(name)))
    .sort((left, right) => numberOf(right) - numberOf(left))
    .map((file) => `${dirname(path)}/${file}`);
}

async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    // Rotated away since the folder was read.
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  const raw = file.createReadStream({ highWaterMark: CHUNK_BYTES });
  const splitter = new LineSplitter();
  for await (const chunk of path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw) yield* splitter.push(chunk);
}

/** Reads files from the newest backwards until enough lines are found. */
async function lastLines(files: readonly string[], count: number): Promise<Buffer[]> {
  let found: Buffer[] = [];
  for (const path of [...files].reverse()) {
    if (found.length >= count) break;
    const missing = count - found.length;
    found = [...(path.endsWith('.gz') ? await lastOfStream(path, missing) : await lastOfFile(path, missing)), ...found];
  }
  return count === 0 ? [] : found.slice(-count);
}

async function lastOfStream(path: string, count: number): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for await (const line of linesOf(path)) {
    lines.push(line);
    if (lines.length > count) lines.shift();
  }
  return lines;
}

async function lastOfFile(path: string, count: number): Promise<Buffer[]> {
  const file = await open(path, 'r');
  try {
    let position = (await file.stat()).size;
    let content = Buffer.alloc(0);
    while (position > 0 && countLines(content) <= count) {
      const length = Math.min(CHUNK_BYTES, position);
      position -= length;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, position);
      content = Buffer.concat([buffer, content]);
    }
    const lines = [...new LineSplitter().push(content)];
    return count === 0 ? [] : lines.slice(-count);
  } finally {
    await file.close();
  }
}

function countLines(content: Buffer): number {
  let count = 0;
  for (let at = content.indexOf(NEWLINE); at >= 0; at = content.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/**
 * Past lines, then new ones as the kernel tells of them, through any number of rotations: a file read to its end is
 * followed by the one that took its place, found by inode among the rotated names.
 */
async function* follow(
  path: string,
  tail: number | undefined,
  ended: Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  using changes = new ChangeWatcher(dirname(path));
  let finished = false;
  void ended.then(() => {
    finished = true;
    changes.wake();
  });
  const start = await startOfFollowing(path, tail);
  yield* start.lines;
  let current = start.file;
  const splitter = new LineSplitter();
  let position = start.position;
  try {
    while (!signal.aborted) {
      // Asked before reading: what is written after the answer is either read now or announced again.
      const last = finished;
      const change = changes.next();
      current ??= await openIfThere(path);
      if (current) {
        position = yield* newLines(current, position, splitter);
        const successor = await successorOf(current, path);
        if (successor) {
          // What was written between the last look and the rotation; from then on nothing more comes to this file.
          yield* newLines(current, position, splitter);
          await current.close();
          current = successor;
          position = 0;
          continue;
        }
      }
      if (last) return;
      await change;
    }
  } finally {
    await current?.close();
  }
}

/** The lines that `file` has beyond `position`; returns where they end. */
async function* newLines(
  file: FileHandle,
  position: number,
  splitter: LineSplitter,
): AsyncGenerator<Buffer, number, undefined> {
  for (let at = position; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at);
    if (bytesRead === 0) return at;
    at += bytesRead;
    yield* splitter.push(buffer.subarray(0, bytesRead));
  }
}

async function startOfFollowing(
  path: string,
  tail: number | undefined,
): Promise<{ lines: Buffer[]; file: FileHandle | undefined; position: number }> {
  const files = await logFiles(path);
  const plain = files.filter((file) => !file.endsWith('.gz'));
  if (tail === undefined) {
    const compressed: Buffer[] = [];
    for (const file of files) if (file.endsWith('.gz')) for await (const line of linesOf(file)) compressed.push(line);
    const oldest = plain[0];
    return { lines: compressed, file: oldest === undefined ? undefined : await openIfThere(oldest), position: 0 };
  }
  const file = await openIfThere(path);
  if (file === undefined) return { lines: [], file: undefined, position: 0 };
  const { size } = await file.stat();
  const lines = await lastLines(files, tail);
  // Lines written between the two looks would come twice: those beyond `size` are left to the following.
  return { lines: await trimToSize(lines, path, size), file, position: size };
}

async function trimToSize(lines: Buffer[], path: string, size: number): Promise<Buffer[]> {
  const now = (await stat(path)).size;
  let surplus = now - size;
  const kept = [...lines];
  while (surplus > 0 && kept.length > 0) surplus -= (kept.pop()?.length ?? 0) + 1;
  return kept;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The file written after `current` was rotated; undefined while it is still the one written to. */
async function successorOf(current: FileHandle, path: string): Promise<FileHandle | undefined> {
  const { ino } = await current.stat();
  const files = (await logFiles(path)).filter((file) => !file.endsWith('.gz'));
  const inodes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        (found) => found.ino,
        () => undefined,
      ),
    ),
  );
  const index = inodes.indexOf(ino);
  // Not among them: rotated away for good, so the oldest one left comes next.
  const next = index < 0 ? files[0] : files[index + 1];
  return next === undefined ? undefined : openIfThere(next);
}

/** Tells of changes in a folder; one told while nobody waits is kept for the next to ask. */
class ChangeWatcher implements Disposable {
  readonly #watcher: FSWatcher;
  #pending = Promise.withResolvers<void>();

  constructor(folder: string) {
    this.#watcher = watch(folder, () => this.wake());
    this.#watcher.on('error', () => this.wake());
  }

  /** Settles at the first change after this call. */
  next(): Promise<void> {
    this.#pending = Promise.withResolvers<void>();
    return this.#pending.promise;
  }

  /** Behaves as if something had changed. */
  wake(): void {
    this.#pending.resolve();
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
    this.wake();
  }
}

/** Cuts a byte stream into lines without their ends; an unfinished line waits for its rest. */
class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Buffer> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end);
      yield this.#rest.length > 0 ? Buffer.concat([this.#rest, line]) : line;
      this.#rest = Buffer.alloc(0);
      start = end + 1;
    }
    if (start < chunk.length) this.#rest = Buffer.concat([this.#rest, chunk.subarray(start)]);
  }
}
