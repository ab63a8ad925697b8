/** Why a runtime could not execute the command of a process. */
export interface CommandFailure {
  readonly reason: 'notFound' | 'notExecutable';
  /** In runc's words, which Docker's clients know. */
  readonly text: string;
}

/**
 * Reads what runc or crun said about a start that failed: they report a command that cannot be executed in words only
 * (the runtime-spec has no codes), so their words are read here, where they enter, and nowhere else.
 * Undefined if the command was not the reason.
 * @param isDirectory tells whether a path of the container is a directory, which crun's words do not
 */
export function commandFailure(
  message: string,
  command: string,
  isDirectory: (path: string) => boolean,
): CommandFailure | undefined {
  const text = message.toLowerCase();
  const isNotFile = /is not a regular file/.test(text); // crun 1.21; older ones speak of `exec`
  if (!isNotFile && !/exec/.test(text)) return undefined;
  const hasPath = command.includes('/');
  const explain = (reason: CommandFailure['reason'], why: string) => ({
    reason,
    text: `unable to start container process: exec: "${command}": ${why}`,
  });
  if (hasPath && (isNotFile || /executable|exec:/.test(text)) && isDirectory(command))
    return explain('notExecutable', 'is a directory');
  if (/executable file.*not found|no such file or directory/.test(text)) {
    return explain(
      'notFound',
      hasPath ? `stat ${command}: no such file or directory` : 'executable file not found in $PATH',
    );
  }
  if (/permission denied|operation not permitted|is a directory/.test(text)) {
    return explain('notExecutable', 'permission denied');
  }
  return /exec format error/.test(text) ? explain('notExecutable', 'exec format error') : undefined;
}
