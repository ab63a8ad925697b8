import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { invalidParameter } from '../base/index.ts';
import type { ConfinedTask } from './confined-task.ts';
import { serveConfinedTasks } from './confined-worker.ts';

export const readTask: ConfinedTask<string, string> = {
  name: 'test.read',
  duration: 'short',
  run: (path) => readFileSync(path, 'utf8'),
};

export const writeTask: ConfinedTask<{ path: string; content: string; mode: number }, null> = {
  name: 'test.write',
  duration: 'long',
  run({ path, content, mode }) {
    writeFileSync(path, content, { mode });
    return null;
  },
};

export const refuseTask: ConfinedTask<null, null> = {
  name: 'test.refuse',
  duration: 'short',
  run() {
    throw invalidParameter('no');
  },
};

export const bufferTask: ConfinedTask<number, ArrayBuffer> = {
  name: 'test.buffer',
  duration: 'short',
  run: (size) => new ArrayBuffer(size),
  transfer: (buffer) => [buffer],
};

if (!isMainThread) serveConfinedTasks([readTask, writeTask, refuseTask, bufferTask]);
