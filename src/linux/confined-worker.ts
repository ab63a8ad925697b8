import { constants, openSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { EngineError, errnoOf } from '../base/index.ts';
import type { AnyConfinedTask, TaskReply, TaskRequest } from './confined-task.ts';
import { setUmask } from './file-nodes.ts';
import { type CString, checked, declare } from './libc.ts';

const unshareCall = declare<(flags: number) => number>('int unshare(int flags)');
const chrootCall = declare<(path: CString) => number>('int chroot(const char *path)');
const chdirCall = declare<(path: CString) => number>('int chdir(const char *path)');
const fchdirCall = declare<(descriptor: number) => number>('int fchdir(int descriptor)');

// <sched.h>: root, working directory and umask of this thread become its own. The mount namespace stays shared: a copy
// would keep every container's mounts busy after the engine has unmounted them.
const CLONE_FS = 0x200;

/**
 * The whole life of a confined worker: the entry module of the worker calls this once with the tasks it can do. Each
 * request is answered by one message.
 */
export function serveConfinedTasks(tasks: readonly AnyConfinedTask[]): void {
  const port = parentPort;
  if (port === null) throw new Error('confined tasks run in a worker thread');
  checked(unshareCall(CLONE_FS), 'unshare');
  setUmask(0);
  const realRoot = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY);
  const table = new Map(tasks.map((task) => [task.name, task]));
  port.on('message', (request: TaskRequest) => {
    const task = table.get(request.name);
    if (task === undefined) {
      port.postMessage(failure(new Error(`the confined worker has no task ${request.name}`)));
      return;
    }
    const [reply, transfer] = perform(task, request, realRoot);
    port.postMessage(reply, [...transfer]);
  });
}

function perform(
  task: AnyConfinedTask,
  request: TaskRequest,
  realRoot: number,
): readonly [TaskReply, readonly ArrayBuffer[]] {
  try {
    enter(request.root);
    try {
      const output = task.run(request.input as never);
      return [{ output }, task.transfer?.(output as never) ?? []];
    } finally {
      leave(realRoot);
    }
  } catch (error) {
    return [failure(error), []];
  }
}

function enter(root: string): void {
  checked(chrootCall(root), 'chroot', root);
  checked(chdirCall('/'), 'chdir', root);
}

/** Back to the real root. A thread that cannot go back must not take another task: it ends the worker. */
function leave(realRoot: number): void {
  if (fchdirCall(realRoot) === -1 || chrootCall('.') === -1) {
    process.nextTick(() => {
      throw new Error('the confined thread could not return to the real root');
    });
  }
}

function failure(error: unknown): TaskReply {
  if (!(error instanceof Error)) return { error: { message: String(error) } };
  const { message, stack } = error;
  const kind = error instanceof EngineError ? error.kind : undefined;
  const code = errnoOf(error);
  return {
    error: { message, ...(stack && { stack }), ...(kind && { kind }), ...(code && { code }) },
  };
}
