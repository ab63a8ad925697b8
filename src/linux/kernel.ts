import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { announceStep, areStepsObserved } from '../base/index.ts';
import type { KernelOperation, KernelResult } from './operations.ts';

/** The kernel thread: one worker that performs operations synchronously, in order, in batches. */
export interface Kernel extends AsyncDisposable {
  /**
   * Applies the operations in order; resolves to their results (same positions). Stops at the first failure and rejects
   * with a {@link KernelError}; the operations before it stay applied.
   */
  run<const T extends readonly KernelOperation[]>(
    operations: T,
  ): Promise<{ -readonly [K in keyof T]: KernelResult<T[K]> }>;
}

/** An operation of a batch failed. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  /** The errno's name, as Node's own errors have it. */
  readonly code: string;
  readonly operation: KernelOperation;
  /** The failed operation's position in the batch. */
  readonly index: number;
  /** What the operations before it gave: descriptors among them still have to be closed. */
  readonly results: readonly unknown[];

  constructor(failure: Failure, operation: KernelOperation, results: readonly unknown[]) {
    super(failure.message);
    this.code = failure.code;
    this.operation = operation;
    this.index = results.length;
    this.results = results;
  }

  /** The same as `code`. */
  get errno(): string {
    return this.code;
  }
}

interface Failure {
  readonly message: string;
  readonly code: string;
}

export interface BatchRequest {
  readonly id: number;
  readonly operations: readonly KernelOperation[];
}

export interface BatchReply {
  readonly id: number;
  readonly results: readonly unknown[];
  readonly failure?: Failure;
}

/** Starts the thread and waits until it is ready. Its own namespace is the one the process is in now. */
export async function startKernel(): Promise<Kernel> {
  // Sources run as .ts; the bundle has kernel-worker.js beside the engine's file.
  const program = new URL(`./kernel-worker${extname(import.meta.url)}`, import.meta.url);
  // Its descriptors are handed to the main thread, so Node must not close them with the worker.
  const worker = new Worker(program, { name: 'kernel', trackUnmanagedFds: false });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('message', () => resolve());
  worker.once('error', reject);
  await promise;
  worker.off('error', reject);
  return new KernelThread(worker);
}

interface PendingBatch {
  readonly operations: readonly KernelOperation[];
  readonly resolve: (results: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
}

class KernelThread implements Kernel {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingBatch>();
  #lastId = 0;
  #ended: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: BatchReply) => this.#settle(reply));
    worker.on('error', (error) => this.#end(new Error(`the kernel thread failed: ${error}`, { cause: error })));
    worker.on('exit', () => this.#end(new Error('the kernel thread has ended')));
  }

  async run<const T extends readonly KernelOperation[]>(
    operations: T,
  ): Promise<{ -readonly [K in keyof T]: KernelResult<T[K]> }> {
    const results = areStepsObserved() ? await this.#runObserved(operations) : await this.#runBatch(operations);
    // The worker's handler table ties each result to its operation.
    return results as { -readonly [K in keyof T]: KernelResult<T[K]> };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #runBatch(operations: readonly KernelOperation[]): Promise<readonly unknown[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>();
    this.#lastId += 1;
    this.#pending.set(this.#lastId, { operations, resolve, reject });
    this.#worker.postMessage({ id: this.#lastId, operations } satisfies BatchRequest);
    return promise;
  }

  /** One message per operation, so that each announcement comes after the effects of the operations before it. */
  async #runObserved(operations: readonly KernelOperation[]): Promise<readonly unknown[]> {
    const results: unknown[] = [];
    for (const operation of operations) {
      announceStep(operation.op, subjectOf(operation));
      try {
        results.push(...(await this.#runBatch([operation])));
      } catch (error) {
        throw error instanceof KernelError ? new KernelError(error, operation, results) : error;
      }
    }
    return results;
  }

  #settle({ id, results, failure }: BatchReply): void {
    const batch = this.#pending.get(id);
    if (batch === undefined) return;
    this.#pending.delete(id);
    const failed = batch.operations[results.length];
    if (failure === undefined || failed === undefined) batch.resolve(results);
    else batch.reject(new KernelError(failure, failed, results));
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    for (const batch of this.#pending.values()) batch.reject(this.#ended);
    this.#pending.clear();
  }
}

function subjectOf(operation: KernelOperation): string {
  if ('target' in operation) return operation.target;
  if ('path' in operation) return operation.path;
  if ('file' in operation) return [operation.file, ...operation.arguments].join(' ');
  if ('link' in operation) return operation.link;
  if ('name' in operation) return operation.name;
  if ('key' in operation) return operation.key;
  if ('commands' in operation) return operation.commands;
  if ('pid' in operation) return String(operation.pid);
  return '';
}
