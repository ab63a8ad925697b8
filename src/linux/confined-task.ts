/**
 * Work that happens inside a tree of files that may be hostile. It runs in a thread whose root directory is that tree:
 * no name in it, however made, leads outside.
 *
 * `run` may use synchronous `node:fs` calls and libc only (asynchronous ones happen in other threads, which are not
 * confined), must not import anything later, and shares no memory with the engine but its input.
 */
export interface ConfinedTask<I, O> {
  /** Unique among all tasks of the program. */
  readonly name: string;
  /** Short tasks (a few milliseconds) never wait for a long one. */
  readonly duration: 'short' | 'long';
  readonly run: (input: I) => O;
  /** What of the result to move to the engine instead of copying it. */
  readonly transfer?: (output: O) => readonly ArrayBuffer[];
}

// The table of a worker holds tasks of many types; each is called with the input its own caller gave.
export interface AnyConfinedTask extends Pick<ConfinedTask<never, unknown>, 'name' | 'duration' | 'run'> {
  readonly transfer?: (output: never) => readonly ArrayBuffer[];
}

/** A request to a worker. */
export interface TaskRequest {
  readonly root: string;
  readonly name: string;
  readonly input: unknown;
}

/** A worker's answer. */
export type TaskReply =
  | { readonly output: unknown }
  | { readonly error: { message: string; stack?: string; kind?: string; code?: string } };
