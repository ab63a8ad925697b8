/** Where progress is shown: on the terminal if there is one. */

import type { Session } from '../../session.ts';
import type { ProgressTarget } from '../../streams/progress.ts';

/** A target on standard output or error; it knows its width if it is a terminal. */
export function progressTarget(session: Session, stream: 'out' | 'error'): ProgressTarget {
  const terminal = stream === 'out' ? process.stdout : process.stderr;
  return {
    columns: terminal.isTTY ? terminal.columns : undefined,
    write: (text) => session.output[stream](text),
  };
}
