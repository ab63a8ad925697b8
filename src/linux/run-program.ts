import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import koffi from 'koffi';
import type { Kernel } from './kernel.ts';
import type { ExitStatus } from './operations.ts';
import { openPidfd } from './process.ts';
import { reap } from './spawn.ts';

export interface ProgramOptions {
  /** Exactly this environment; the engine's own without it. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** What it reads from its standard input; /dev/null without it. */
  readonly input?: string | Uint8Array;
}

export interface ProgramResult {
  readonly status: ExitStatus;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end. `file` is a path. Resolves when it has exited and closed its outputs, so it must not leave
 * processes behind that keep them open; an exit code other than 0 is a result, not an error.
 */
export async function runProgram(
  kernel: Kernel,
  file: string,
  parameters: readonly string[],
  { environment, workingDirectory, input }: ProgramOptions = {},
): Promise<ProgramResult> {
  const [{ pid, sockets }] = await kernel.run([
    {
      op: 'spawn',
      file,
      arguments: parameters,
      ...(environment === undefined ? {} : { environment }),
      ...(workingDirectory === undefined ? {} : { workingDirectory }),
      descriptors: { 0: input === undefined ? 'null' : 'socketpair', 1: 'socketpair', 2: 'socketpair' },
    },
  ]);
  const exit = waitForExit(pid);
  if (input !== undefined) feed(sockets[0], input);
  const [status, stdout, stderr] = await Promise.all([exit, readAll(sockets[1]), readAll(sockets[2])]);
  return { status, stdout, stderr };
}

/** Resolves when a child of the engine ends, and reaps it. The event loop watches a pidfd; no thread waits. */
export async function waitForExit(pid: number): Promise<ExitStatus> {
  const early = reap(pid);
  if (early !== undefined) return early;
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) throw new Error(`process ${pid} is no child of ours`);
  try {
    await readable(pidfd);
    const status = reap(pid);
    if (status === undefined) throw new Error(`process ${pid} was announced as ended but is not`);
    return status;
  } finally {
    closeSync(pidfd);
  }
}

function readable(descriptor: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const handle = koffi.node.poll(descriptor, { readable: true }, () => {
    handle.close();
    // koffi calls us without draining the microtask queue: a promise settled here would be noticed only when something
    // else happens. The event loop's own callbacks do drain it.
    setImmediate(resolve);
  });
  return promise;
}

function feed(descriptor: number | undefined, input: string | Uint8Array): void {
  const socket = new Socket({ fd: descriptor ?? -1, readable: false, writable: true });
  // A program that does not read its input to the end closes it: no error of ours.
  socket.on('error', () => socket.destroy());
  socket.end(input);
}

async function readAll(descriptor: number | undefined): Promise<string> {
  const socket = new Socket({ fd: descriptor ?? -1, readable: true, writable: false });
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
