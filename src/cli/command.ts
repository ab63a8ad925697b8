/** What a command of the client is: data for help and parsing, and one function that does the work. */

import type { Flags, Values } from './options/flag.ts';
import type { Session } from './session.ts';

/** One parsed call of a command. */
export interface Invocation<F extends Flags = Flags> {
  /** The words that chose the command, with the program (`gantry container run`). */
  readonly path: string;
  readonly flags: Values<F>;
  /** Long names of the flags that were given. */
  readonly changed: ReadonlySet<string>;
  readonly operands: readonly string[];
}

/** How many operands a command takes. */
export interface OperandCount {
  readonly min: number;
  /** Absent: any number. */
  readonly max?: number;
}

/** A command as its module exports it. Its names and summary stand in the command table. */
export interface Command<F extends Flags = Flags> {
  /** The usage line behind the command's name. */
  readonly usage: string;
  readonly operands: OperandCount;
  /** The first operand ends the flags: what follows belongs to somebody else (`run IMAGE COMMAND -x`). */
  readonly optionsFirst?: boolean;
  readonly flags: F;
  /** Does the work; resolves to the exit code. */
  run(session: Session, invocation: Invocation<F>): Promise<number>;
}

/** Gives a command literal the types of its own flags. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command<F> {
  return command;
}

/** A command that failed with an exit code of its own; `message` is printed as it is, without the program's name. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** Wraps an error in the form `run` and `create` print: program name, the text, and where to find help. */
export function withHelp(error: unknown, path: string, program: string, code: number): ExitError {
  const text = error instanceof Error ? error.message : String(error);
  return new ExitError(`${program}: ${text}\n\nRun '${path} --help' for more information`, code);
}
