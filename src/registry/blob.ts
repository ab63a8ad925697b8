/** Downloads of blobs: straight to a file, counted and hashed on the way, taken up where a connection broke. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, isKind, systemError } from '../base/index.ts';
import type { Descriptor } from './manifest.ts';
import { RegistryError } from './registry-errors.ts';
import type { Session } from './session.ts';
import { cancelled, failure, type HttpResponse, networkText } from './transport.ts';

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that have arrived so far. */
  readonly onProgress?: (bytes: number) => void;
  /** The connection failed; the next attempt begins in so many seconds. */
  readonly onRetry?: (seconds: number) => void;
}

export interface RetryPolicy {
  /** Attempts in all (daemon.json's `max-download-attempts`). */
  readonly attempts: number;
  /** Seconds before the second attempt; the wait grows by as much each time, as dockerd's does. */
  readonly stepSeconds: number;
}

/** Brings a layer to a file, which it makes. On failure the caller removes the file. Throws dockerd's texts. */
export async function downloadBlob(
  session: Session,
  descriptor: Descriptor,
  path: string,
  policy: RetryPolicy,
  options: DownloadOptions,
): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  const download = new Download(session, descriptor, file, options);
  for (let attempt = 1; ; attempt++) {
    try {
      await download.advance();
      break;
    } catch (error) {
      if (options.signal?.aborted) throw cancelled(error);
      if (attempt >= policy.attempts || !isWorthRepeating(error)) throw error;
      await waitForRetry(attempt * policy.stepSeconds, options);
    }
  }
}

/** Bad luck may pass; a refusal, a lie or a full disk will not. */
function isWorthRepeating(error: unknown): boolean {
  if (error instanceof RegistryError) return !error.final;
  return error instanceof EngineError && error.kind !== 'cancelled';
}

async function waitForRetry(seconds: number, options: DownloadOptions): Promise<void> {
  for (let left = seconds; left > 0; left--) {
    options.onRetry?.(Math.ceil(left));
    await delay(
      Math.min(left, 1) * 1000,
      undefined,
      options.signal === undefined ? {} : { signal: options.signal },
    ).catch((error: unknown) => {
      throw cancelled(error);
    });
  }
}

class Download {
  readonly #session: Session;
  readonly #descriptor: Descriptor;
  readonly #file: FileHandle;
  readonly #options: DownloadOptions;
  #hash = createHash('sha256');
  #received = 0;

  constructor(session: Session, descriptor: Descriptor, file: FileHandle, options: DownloadOptions) {
    this.#session = session;
    this.#descriptor = descriptor;
    this.#file = file;
    this.#options = options;
  }

  /** Asks for what is still missing and takes as much as comes; returns when all of it is there and right. */
  async advance(): Promise<void> {
    const { digest } = this.#descriptor;
    const response = await this.#request();
    if (response.status !== 206 || !rangeStartsAt(response, this.#received)) await this.#startOver();
    try {
      for await (const chunk of response.body) await this.#take(chunk as Buffer);
    } catch (error) {
      if (error instanceof EngineError || isFileError(error)) throw error;
      throw systemError(bodyError(error, response.url), { cause: error });
    } finally {
      response.body.destroy();
    }
    // A connection that broke has thrown by now: an answer that is whole but too short is a lie, not bad luck.
    if (`sha256:${this.#hash.digest('hex')}` !== digest) throw verificationFailed(digest);
  }

  async #request(): Promise<HttpResponse> {
    const { digest } = this.#descriptor;
    const headers: Record<string, string> = this.#received === 0 ? {} : { range: `bytes=${this.#received}-` };
    try {
      return await this.#session.get({ path: `blobs/${digest}`, headers, signal: this.#options.signal });
    } catch (error) {
      if (isKind(error, 'notFound')) throw new RegistryError('notFound', 'BLOB_UNKNOWN', 'unknown blob');
      // A range beyond what the registry has: what it sent before was not what it has now.
      if (this.#received > 0 && error instanceof RegistryError && error.final) {
        await this.#startOver();
        throw failure('GET', `blobs/${digest}`, error.message, error);
      }
      throw error;
    }
  }

  async #startOver(): Promise<void> {
    if (this.#received === 0) return;
    this.#hash = createHash('sha256');
    this.#received = 0;
    await this.#file.truncate(0);
  }

  async #take(chunk: Buffer): Promise<void> {
    const position = this.#received;
    this.#received += chunk.length;
    if (this.#received > this.#descriptor.size) throw verificationFailed(this.#descriptor.digest);
    this.#hash.update(chunk);
    await writeWhole(this.#file, chunk, position);
    this.#options.onProgress?.(this.#received);
  }
}

async function writeWhole(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
}

function verificationFailed(digest: string): EngineError {
  return new RegistryError('system', 'DIGEST', `filesystem layer verification failed for digest ${digest}`);
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && ['write', 'ftruncate'].includes(String(error.syscall));
}

function bodyError(error: unknown, url: URL): string {
  const text = networkText(error, url);
  return text === 'EOF' ? 'unexpected EOF' : text;
}

function rangeStartsAt(response: HttpResponse, offset: number): boolean {
  const range = response.headers['content-range'];
  return typeof range === 'string' && Number(/^bytes (\d+)-/.exec(range)?.[1] ?? Number.NaN) === offset;
}
