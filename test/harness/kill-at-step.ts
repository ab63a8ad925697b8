/**
 * Loaded into an engine under test before its own code (`node --import`), in its main thread and in every worker.
 * While the file `arm` exists in the directory GANTRY_STEPS_DIR, each announced step of the engine is written to
 * `steps`, and when `arm` holds a number n, the engine is killed at the n-th of them, before the step is done.
 */
import { subscribe } from 'node:diagnostics_channel';
import { closeSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

const directory = process.env.GANTRY_STEPS_DIR;

/** The number of the step to die at; 0 to count only; undefined while not armed. */
function armedAt(stepsDirectory: string): number | undefined {
  try {
    return Number(readFileSync(join(stepsDirectory, 'arm'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Appends to a file and returns its size. Appending is what makes one counter of the threads' steps. */
function append(path: string, text: string): number {
  const file = openSync(path, 'a');
  try {
    writeSync(file, text);
    return fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}

if (directory !== undefined) {
  subscribe('gantry.step', (message) => {
    const killAt = armedAt(directory);
    if (killAt === undefined) return;
    const { action, subject } = message as { action: string; subject: string };
    append(join(directory, 'steps'), `${JSON.stringify({ thread: threadId, action, subject })}\n`);
    const count = append(join(directory, 'count'), '.');
    if (killAt > 0 && count >= killAt) process.kill(process.pid, 'SIGKILL');
  });
}
