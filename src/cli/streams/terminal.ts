/** The terminal the client runs in. */

import { isatty, type ReadStream } from 'node:tty';
import { ExitError } from '../command.ts';

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;

/** True if standard input is a terminal. */
export const inputIsTerminal = (): boolean => isatty(STANDARD_INPUT);

/** True if standard output is a terminal. */
export const outputIsTerminal = (): boolean => isatty(STANDARD_OUTPUT);

/** Refuses `-it` when standard input is no terminal. */
export function requireTerminal(attachInput: boolean, tty: boolean): void {
  if (attachInput && tty && !inputIsTerminal()) throw new ExitError('the input device is not a TTY', 1);
}

/** Rows and columns of the terminal on standard output; undefined if it is none. */
export function terminalSize(): [number, number] | undefined {
  if (!outputIsTerminal()) return undefined;
  const [columns, rows] = process.stdout.getWindowSize();
  return columns === 0 && rows === 0 ? undefined : [rows, columns];
}

/** Hands every key on as it is typed, and writes every byte as it comes. `setRawMode(false)` undoes both. */
export function makeRaw(input: ReadStream): void {
  input.setRawMode(true);
  // Node's raw mode goes on turning line feeds into CR LF, which breaks full-screen programs: their own terminal, in
  // the container, has done what was to be done. Without stty the picture may suffer, nothing else.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
}

/** Tells `report` the terminal's size now (unless `later`) and whenever it changes, until disposed. */
export function watchTerminalSize(
  report: (rows: number, columns: number) => Promise<void>,
  options: { later?: boolean } = {},
): Disposable {
  const tell = () => {
    const size = terminalSize();
    // The process may have ended meanwhile: then its size matters to nobody.
    if (size !== undefined) report(...size).catch(() => undefined);
  };
  if (options.later !== true) tell();
  process.on('SIGWINCH', tell);
  return { [Symbol.dispose]: () => void process.off('SIGWINCH', tell) };
}
