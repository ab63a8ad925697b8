import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** How a program ended and what it wrote. */
export interface ProgramResult {
  /** Exit status; 128 + signal number for a program that a signal ended, as shells report it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly input?: string | Buffer;
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds after which the program is killed (and the result says so by its status). */
  readonly timeout?: number;
}

/** No single program of the suite takes longer, on a loaded machine, unless it hangs. */
const DEFAULT_TIMEOUT = 60_000;

/** Runs a program to its end. Rejects only when it cannot be started. */
export function runProgram(
  file: string,
  argv: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProgramResult>();
  const child = spawn(file, argv, {
    env: { ...process.env, ...options.environment },
    timeout: options.timeout ?? DEFAULT_TIMEOUT,
    killSignal: 'SIGKILL',
  });
  const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  child.stdout.on('data', (chunk: Buffer) => output.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.stderr.push(chunk));
  child.stdin.on('error', () => {}); // the program may end without reading its input
  child.stdin.end(options.input);
  child.on('error', reject);
  child.on('close', (code, signal) => {
    resolve({
      status: signal === null ? (code ?? 0) : 128 + constants.signals[signal],
      stdout: Buffer.concat(output.stdout).toString(),
      stderr: Buffer.concat(output.stderr).toString(),
    });
  });
  return promise;
}

/** Like runProgram, but a status other than 0 is an error; resolves to the standard output. */
export async function runOrFail(file: string, argv: readonly string[], options?: ProgramOptions): Promise<string> {
  const result = await runProgram(file, argv, options);
  if (result.status !== 0) throw new Error(`${file} ${argv.join(' ')}: status ${result.status}: ${result.stderr}`);
  return result.stdout;
}
