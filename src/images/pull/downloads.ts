/** Layer downloads: a few at a time, each shared by all pulls that want it, and ended when the last of them goes away. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { announceStep, type Digest, EngineError } from '../../base/index.ts';
import type { Descriptor, Repository } from '../../registry/index.ts';
import { TEMPORARY_PREFIX } from '../context.ts';

/** What a download tells those who wait for it. */
export type DownloadStage =
  | { readonly stage: 'waiting' }
  | { readonly stage: 'downloading'; readonly bytes: number }
  | { readonly stage: 'retrying'; readonly seconds: number }
  | { readonly stage: 'verifying' }
  | { readonly stage: 'complete' };

/** A downloaded layer. Its file exists until everybody who asked for it has disposed of it. */
export interface DownloadedLayer extends AsyncDisposable {
  readonly path: string;
}

export interface DownloadRequest {
  readonly repository: Pick<Repository, 'download'>;
  readonly layer: Descriptor;
  readonly onStage: (stage: DownloadStage) => void;
  readonly signal: AbortSignal | undefined;
}

interface Transfer {
  readonly path: string;
  readonly controller: AbortController;
  readonly listeners: Set<(stage: DownloadStage) => void>;
  readonly done: Promise<void>;
  last: DownloadStage | undefined;
  users: number;
}

export class Downloads {
  readonly #folder: string;
  readonly #transfers = new Map<Digest, Transfer>();
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param concurrent daemon.json's `max-concurrent-downloads` */
  constructor(folder: string, concurrent: number) {
    this.#folder = folder;
    this.#free = concurrent;
  }

  /** Waits until the layer is here. Throws what the registry client throws, and `cancelled` when the signal fires. */
  async fetch(request: DownloadRequest): Promise<DownloadedLayer> {
    const { layer, signal, onStage } = request;
    const transfer = this.#transfers.get(layer.digest) ?? this.#begin(request);
    transfer.users += 1;
    transfer.listeners.add(onStage);
    if (transfer.last !== undefined) onStage(transfer.last);
    let left = false;
    const leave = async () => {
      if (left) return;
      left = true;
      transfer.listeners.delete(onStage);
      transfer.users -= 1;
      if (transfer.users === 0) await this.#end(layer.digest, transfer);
    };
    try {
      await untilAborted(transfer.done, signal);
    } catch (error) {
      await leave();
      throw error;
    }
    return { path: transfer.path, [Symbol.asyncDispose]: leave };
  }

  #begin({ repository, layer }: DownloadRequest): Transfer {
    const path = join(this.#folder, `${TEMPORARY_PREFIX}${randomBytes(8).toString('hex')}`);
    const controller = new AbortController();
    const listeners = new Set<(stage: DownloadStage) => void>();
    const tell = (stage: DownloadStage) => {
      transfer.last = stage;
      for (const listener of listeners) listener(stage);
    };
    const transfer: Transfer = {
      path,
      controller,
      listeners,
      last: undefined,
      users: 0,
      done: this.#transfer({ repository, layer, path, signal: controller.signal, tell }),
    };
    // Every user has an interest in the outcome of its own; this one only keeps a lonely failure from being "unhandled".
    transfer.done.catch(() => undefined);
    this.#transfers.set(layer.digest, transfer);
    return transfer;
  }

  async #transfer(job: {
    repository: Pick<Repository, 'download'>;
    layer: Descriptor;
    path: string;
    signal: AbortSignal;
    tell: (stage: DownloadStage) => void;
  }): Promise<void> {
    const { layer, path, signal, tell } = job;
    // The caller must know the transfer before it says anything.
    await Promise.resolve();
    await this.#takeSlot(signal, () => tell({ stage: 'waiting' }));
    try {
      announceStep('download', path);
      await job.repository.download(layer, path, {
        signal,
        onProgress: (bytes) => {
          tell({ stage: 'downloading', bytes });
          if (bytes === layer.size) tell({ stage: 'verifying' });
        },
        onRetry: (seconds) => tell({ stage: 'retrying', seconds }),
      });
      tell({ stage: 'complete' });
    } finally {
      this.#returnSlot();
    }
  }

  async #takeSlot(signal: AbortSignal, onWait: () => void): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    onWait();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      await untilAborted(promise, signal);
    } catch (error) {
      const position = this.#waiting.indexOf(resolve);
      if (position === -1) this.#returnSlot();
      else this.#waiting.splice(position, 1);
      throw error;
    }
  }

  #returnSlot(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }

  async #end(digest: Digest, transfer: Transfer): Promise<void> {
    if (this.#transfers.get(digest) === transfer) this.#transfers.delete(digest);
    transfer.controller.abort();
    await transfer.done.catch(() => undefined);
    await rm(transfer.path, { force: true });
  }
}

/** The promise's outcome, or a `cancelled` error as soon as the signal fires. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const cancelled = () => new EngineError('cancelled', 'context canceled');
  if (signal.aborted) return Promise.reject(cancelled());
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(cancelled());
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
