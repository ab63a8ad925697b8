import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestOutcome } from './reporter.ts';

/** How many of each. */
export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** What a run of one file or program came to. */
export interface FileResult {
  readonly outcomes: readonly TestOutcome[];
  /** What it wrote, for the case that something failed. */
  readonly output: string;
  /** Seconds. */
  readonly duration: number;
}

const REPORTER = join(import.meta.dirname, 'reporter.ts');

/** Enough for the longest file on a loaded machine; one that takes longer hangs. Milliseconds. */
const FILE_TIMEOUT = 900_000;
/** Enough for the longest single test. Milliseconds. */
const TEST_TIMEOUT = 300_000;
/** How long a process that was killed may take to be gone. Milliseconds. */
const KILL_PATIENCE = 2000;

/**
 * Runs one test file in a process of its own, with a folder for temporary files of its own. What it leaves running or lying
 * there is ended and removed, and counts as a failure.
 */
export async function runTestFile(root: string, file: string): Promise<FileResult> {
  const start = performance.now();
  const temporary = mkdtempSync(join(tmpdir(), 'gt-'));
  const clear = async () => {
    const leftovers = await endProcessesOf(temporary);
    rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
    return leftovers;
  };
  const interrupt = (signal: NodeJS.Signals) =>
    void clear().finally(() => process.exit(128 + constants.signals[signal]));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const results = join(temporary, 'results');
    const argv = [
      `--test-reporter=${REPORTER}`,
      `--test-reporter-destination=${results}`,
      `--test-timeout=${TEST_TIMEOUT}`,
      file,
    ];
    const inside = join(temporary, 'results-inside');
    const run = await runProgram(root, process.execPath, argv, {
      TMPDIR: temporary,
      GANTRY_TEST_REPORTER: REPORTER,
      GANTRY_TEST_RESULTS: inside,
    });
    // A file that ran itself again, in namespaces of its own, has only that run as its test.
    const outcomes = existsSync(inside) ? readOutcomes(inside) : readOutcomes(results);
    const isUnexplained = run.failure !== undefined && !outcomes.some(({ state }) => state === 'failed');
    if (isUnexplained) outcomes.push(failure('(file)', run.failure ?? ''));
    // It compares with something that is not here, such as a running dockerd.
    if (outcomes.length === 0) outcomes.push({ name: '(file)', state: 'skipped', duration: 0 });
    const leftovers = await clear();
    if (leftovers.length > 0) outcomes.push(failure('(leaves nothing running)', leftovers.join('\n')));
    return { outcomes, output: run.output, duration: (performance.now() - start) / 1000 };
  } finally {
    await clear();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function readOutcomes(path: string): TestOutcome[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Runs a program that counts as one test. */
export async function runStep(root: string, name: string, argv: readonly [string, ...string[]]): Promise<FileResult> {
  const start = performance.now();
  const { output, failure: reason } = await runProgram(root, argv[0], argv.slice(1), {});
  const duration = (performance.now() - start) / 1000;
  const outcome: TestOutcome =
    reason === undefined
      ? { name, state: 'passed', duration: duration * 1000 }
      : failure(name, `${argv.join(' ')}: ${reason}`);
  return { outcomes: [outcome], output, duration };
}

function failure(name: string, error: string): TestOutcome {
  return { name, state: 'failed', duration: 0, error };
}

async function runProgram(
  root: string,
  file: string,
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ output: string; failure?: string }> {
  const child = spawn(file, argv, {
    cwd: root,
    // A group of its own, so that all of it can be ended.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    endGroup(child.pid);
  }, FILE_TIMEOUT);
  // 'exit', not 'close': something it left running may hold its output open.
  const [status, signal] = await once(child, 'exit').catch((error: Error) => [error.message, null]);
  clearTimeout(timer);
  endGroup(child.pid);
  child.stdout.destroy();
  child.stderr.destroy();
  const text = Buffer.concat(output).toString();
  if (isLate) return { output: text, failure: `not done after ${FILE_TIMEOUT / 1000} s` };
  return status === 0 ? { output: text } : { output: text, failure: `ended with ${signal ?? `status ${status}`}` };
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // nothing of it is left
  }
}

/** Kills every process whose command line or environment names the folder; resolves to their command lines. */
async function endProcessesOf(directory: string): Promise<string[]> {
  const found = new Map<number, string>();
  const deadline = performance.now() + KILL_PATIENCE;
  for (;;) {
    const running = processesOf(directory);
    if (running.length === 0 || performance.now() > deadline) return [...found.values()];
    for (const { pid, command } of running) {
      found.set(pid, command);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function processesOf(directory: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const isOurs =
          command.includes(directory) || readFileSync(`/proc/${name}/environ`, 'latin1').includes(directory);
        return isOurs && command !== '' ? [{ pid: Number(name), command }] : [];
      } catch {
        return []; // ended while we looked
      }
    });
}
