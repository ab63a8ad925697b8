/** Errors of talking to the engine. */

/** The engine answered with an error. The message already carries docker's prefix. */
export class EngineResponseError extends Error {
  override readonly name = 'EngineResponseError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(`Error response from daemon: ${message}`);
    this.status = status;
  }
}

/** No engine could be reached. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** True if the engine said that something does not exist. */
export function isNotFound(error: unknown): error is EngineResponseError {
  return error instanceof EngineResponseError && error.status === 404;
}
