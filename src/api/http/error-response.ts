import { EngineError, type ErrorKind, messageOf } from '../../base/index.ts';

/** The one place where a kind of error becomes an HTTP status. */
const STATUS_OF_KIND = {
  invalidParameter: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  notModified: 304,
  notImplemented: 501,
  unavailable: 503,
  cancelled: 500,
  system: 500,
} as const satisfies Record<ErrorKind, number>;

/** Status and body of the answer to a failed request. Anything that is no {@link EngineError} is a bug of ours: 500. */
export function errorResponse(error: unknown): { status: number; body: { message: string } } {
  const status = error instanceof EngineError ? STATUS_OF_KIND[error.kind] : 500;
  return { status, body: { message: messageOf(error) } };
}
