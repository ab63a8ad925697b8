/**
 * What went wrong, in the vocabulary of the engine. A closed union: the API maps each kind to one HTTP status
 * (`api/http/error-response.ts`), and nothing else in the program chooses a status.
 */
export type ErrorKind =
  | 'invalidParameter'
  | 'unauthorized'
  | 'forbidden'
  | 'notFound'
  | 'conflict'
  | 'notModified'
  | 'notImplemented'
  | 'unavailable'
  | 'cancelled'
  | 'system';

/**
 * An error a client may see. `message` is shown to the client word for word, so it matches dockerd's text where
 * dockerd has one; `detail` goes to the engine's log only.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly kind: ErrorKind;
  readonly detail: Readonly<Record<string, unknown>> | undefined;

  constructor(kind: ErrorKind, message: string, options: { cause?: unknown; detail?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.detail = options.detail;
  }
}

type ErrorOptions = ConstructorParameters<typeof EngineError>[2];

/** The request itself is wrong: 400. */
export const invalidParameter = (message: string, options?: ErrorOptions) =>
  new EngineError('invalidParameter', message, options);

/** The named object does not exist: 404. */
export const notFound = (message: string, options?: ErrorOptions) => new EngineError('notFound', message, options);

/** The request contradicts the present state (a name in use, a running container): 409. */
export const conflict = (message: string, options?: ErrorOptions) => new EngineError('conflict', message, options);

/** Nothing to do, the state is already as asked (start of a running container): 304. */
export const notModified = (message: string, options?: ErrorOptions) =>
  new EngineError('notModified', message, options);

/** The client may not do this: 403. */
export const forbidden = (message: string, options?: ErrorOptions) => new EngineError('forbidden', message, options);

/** Gantry cannot do this (yet): 501. */
export const notImplemented = (message: string, options?: ErrorOptions) =>
  new EngineError('notImplemented', message, options);

/** Something the engine depends on is missing or does not answer: 503. */
export const unavailable = (message: string, options?: ErrorOptions) =>
  new EngineError('unavailable', message, options);

/** The machine failed us (disk, kernel, runtime): 500. */
export const systemError = (message: string, options?: ErrorOptions) => new EngineError('system', message, options);

/** True if `error` is an {@link EngineError} of that kind. */
export function isKind(error: unknown, kind: ErrorKind): error is EngineError {
  return error instanceof EngineError && error.kind === kind;
}

/** The same error, told with what was being done; of another kind where dockerd counts it as one. */
export function prefixed(error: unknown, prefix: string, kind?: ErrorKind): unknown {
  if (!(error instanceof EngineError)) return error;
  return new EngineError(kind ?? error.kind, `${prefix}${error.message}`, {
    cause: error,
    detail: { ...error.detail },
  });
}

/** The errno name (`ENOENT`) of a Node or kernel error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs every step even if earlier ones fail, then throws what failed (one error as it is, several as an AggregateError). */
export async function runAll(steps: readonly (() => unknown)[], what: string): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) {
    throw new AggregateError(failures, `${what}: ${failures.map(messageOf).join('; ')}`);
  }
}
