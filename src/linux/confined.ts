import { Worker } from 'node:worker_threads';
import { EngineError, type ErrorKind } from '../base/index.ts';
import type { ConfinedTask, TaskReply, TaskRequest } from './confined-task.ts';

/** How many long tasks (unpacking a layer, removing a tree) run side by side; more would only compete for the disk. */
const LONG_WORKERS = 2;

/** Threads that work inside a tree of files they cannot leave. */
export interface ConfinedThreads extends AsyncDisposable {
  /**
   * Runs `task` in a thread whose root directory is `root`. Tasks of one duration start in the order they were given.
   * Rejects with what the task threw: an EngineError with its kind, else an Error with its `code` (an errno's name).
   */
  run<I, O>(root: string, task: ConfinedTask<I, O>, input: I, transfer?: readonly ArrayBuffer[]): Promise<O>;
}

interface Job {
  readonly request: TaskRequest;
  readonly transfer: readonly ArrayBuffer[];
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Confined threads, started when first needed. `entry`: the module that a worker runs, which calls
 * `serveConfinedTasks` with every task of the program.
 */
export function openConfinedThreads({ entry }: { entry: URL }): ConfinedThreads {
  const lanes = { short: new Lane(entry, 1), long: new Lane(entry, LONG_WORKERS) };
  return {
    run<I, O>(root: string, task: ConfinedTask<I, O>, input: I, transfer: readonly ArrayBuffer[] = []): Promise<O> {
      const { promise, resolve, reject } = Promise.withResolvers<O>();
      lanes[task.duration].add({
        request: { root, name: task.name, input },
        transfer,
        resolve: (output) => resolve(output as O),
        reject,
      });
      return promise;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([lanes.short.close(), lanes.long.close()]);
    },
  };
}

/** A queue of jobs and up to `limit` workers that take from it. */
class Lane {
  readonly #entry: URL;
  readonly #limit: number;
  readonly #waiting: Job[] = [];
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Job>();
  /** Workers that have not answered yet, and what tells when they have. */
  readonly #starting = new Map<Worker, Promise<void>>();

  constructor(entry: URL, limit: number) {
    this.#entry = entry;
    this.#limit = limit;
  }

  add(job: Job): void {
    this.#waiting.push(job);
    this.#startNext();
  }

  async close(): Promise<void> {
    const workers = [...this.#idle.splice(0), ...this.#running.keys()];
    for (const job of this.#waiting.splice(0)) job.reject(new Error('the confined threads are closed'));
    // A worker that is ended while it loads koffi takes the whole program with it (koffi 3.3, napi_throw).
    await Promise.all(
      workers.map(async (worker) => {
        await this.#starting.get(worker);
        await worker.terminate();
      }),
    );
  }

  #startNext(): void {
    const job = this.#waiting[0];
    if (job === undefined) return;
    const worker = this.#idle.pop() ?? (this.#running.size < this.#limit ? this.#makeWorker() : undefined);
    if (worker === undefined) return;
    this.#waiting.shift();
    this.#running.set(worker, job);
    worker.ref();
    worker.postMessage(job.request, [...job.transfer]);
  }

  #makeWorker(): Worker {
    const worker = new Worker(this.#entry);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#starting.set(worker, promise);
    const started = () => {
      this.#starting.delete(worker);
      resolve();
    };
    worker.on('message', (reply: TaskReply) => {
      started();
      const job = this.#running.get(worker);
      this.#running.delete(worker);
      this.#idle.push(worker);
      // An idle worker must not keep the program alive.
      worker.unref();
      if ('error' in reply) job?.reject(revive(reply.error));
      else job?.resolve(reply.output);
      this.#startNext();
    });
    const forget = (error: unknown) => {
      started();
      this.#running.get(worker)?.reject(error);
      this.#running.delete(worker);
      const index = this.#idle.indexOf(worker);
      if (index !== -1) this.#idle.splice(index, 1);
      this.#startNext();
    };
    worker.on('error', forget);
    worker.on('exit', (code) => forget(new Error(`the confined thread ended with code ${code}`)));
    return worker;
  }
}

function revive(failure: Extract<TaskReply, { error: unknown }>['error']): Error {
  const { message, stack, kind, code } = failure;
  if (kind !== undefined) return new EngineError(kind as ErrorKind, message);
  return Object.assign(new Error(message), stack && { stack }, code && { code });
}
