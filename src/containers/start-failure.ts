import { EngineError, invalidParameter, messageOf, systemError } from '../base/index.ts';
import { ShimStartError } from '../runtime/index.ts';

// Exit codes of a shell that cannot run a command (POSIX, "Exit Status for Commands"), which dockerd uses too.
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
const OTHER_FAILURE = 128;

/** What every failed start is prefixed with by dockerd, and what its clients look for. */
const TASK_PREFIX = 'failed to create task for container: failed to create shim task: OCI runtime create failed: ';

/** The runtime's refusal as an error for the client: the command's fault is a bad request, all else a system error. */
export function translateStartFailure(error: unknown): EngineError {
  if (!(error instanceof ShimStartError)) {
    return error instanceof EngineError ? error : systemError(messageOf(error), { cause: error });
  }
  const message = `${TASK_PREFIX}${error.message.trim()}: unknown`;
  const code = commandFault(error.message);
  return code === undefined
    ? systemError(message, { cause: error })
    : invalidParameter(message, { cause: error, detail: { exitCode: code } });
}

/** The exit code that a container shows when it could not be started. */
export function exitCodeOfFailedStart(error: unknown): number {
  const code = error instanceof EngineError ? error.detail?.exitCode : undefined;
  return typeof code === 'number' ? code : OTHER_FAILURE;
}

/**
 * OCI runtimes report a command that cannot be executed in words only (runtime-spec defines no codes), so their words
 * are read here, where they enter, and nowhere else.
 */
function commandFault(runtimeMessage: string): number | undefined {
  const text = runtimeMessage.toLowerCase();
  if (/executable file not found|no such file or directory|not found in \$path/.test(text)) {
    return /exec|starting container process/.test(text) ? NOT_FOUND : undefined;
  }
  if (/permission denied|is a directory|not a directory|exec format error/.test(text)) {
    return /exec|starting container process/.test(text) ? NOT_EXECUTABLE : undefined;
  }
  return undefined;
}
