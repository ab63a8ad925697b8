import { statSync } from 'node:fs';
import { EngineError, invalidParameter, messageOf, systemError } from '../base/index.ts';
import { resolveInRoot } from '../linux/index.ts';
import { commandFailure, ShimStartError } from '../runtime/index.ts';

// Exit codes of a shell that cannot run a command (POSIX, "Exit Status for Commands"), which dockerd uses too.
const EXIT_CODES = { notExecutable: 126, notFound: 127 } as const;
const OTHER_FAILURE = 128;

/** What was to be started, and where. */
export interface StartAttempt {
  /** The first word of the command. */
  readonly command: string;
  /** Where the container's root is mounted. */
  readonly root: string | undefined;
  /** The words dockerd puts before the runtime's. */
  readonly prefix: string;
}

/** The prefix of a container's first process, and of an exec. */
export const CREATE_PREFIX =
  'failed to create task for container: failed to create shim task: OCI runtime create failed: ';
export const EXEC_PREFIX = 'OCI runtime exec failed: exec failed: ';

/** The runtime's refusal as an error for the client: the command's fault is a bad request, all else a system error. */
export function translateStartFailure(error: unknown, attempt: StartAttempt): EngineError {
  if (!(error instanceof ShimStartError)) {
    return error instanceof EngineError ? error : systemError(messageOf(error), { cause: error });
  }
  const failure = commandFailure(error.message, attempt.command, (path) => isDirectory(attempt.root, path));
  const message = `${attempt.prefix}${failure?.text ?? error.message.trim()}: unknown`;
  return failure === undefined
    ? systemError(message, { cause: error })
    : invalidParameter(message, { cause: error, detail: { exitCode: EXIT_CODES[failure.reason] } });
}

/** The exit code that a process shows when it could not be started. */
export function exitCodeOfFailedStart(error: unknown): number {
  const code = error instanceof EngineError ? error.detail?.exitCode : undefined;
  return typeof code === 'number' ? code : OTHER_FAILURE;
}

function isDirectory(root: string | undefined, path: string): boolean {
  const real = root === undefined ? undefined : resolveInRoot(root, path);
  return real !== undefined && statSync(real, { throwIfNoEntry: false })?.isDirectory() === true;
}
