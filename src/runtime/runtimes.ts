import { announceStep, systemError } from '../base/index.ts';
import { type Kernel, runProgram } from '../linux/index.ts';

/** An OCI runtime program: runc, crun, or an entry of daemon.json's `runtimes`. */
export interface OciRuntime {
  readonly name: string;
  readonly path: string;
  /** Arguments before the command. */
  readonly arguments: readonly string[];
  /** Where it keeps the state of its containers (`--root`). */
  readonly root: string;
  /** Removes what the runtime holds of a container, ending what still runs in it; fine if it holds nothing. */
  delete(container: string): Promise<void>;
  /** Freezes every process of the container. */
  pause(container: string): Promise<void>;
  /** Lets a frozen container go on. */
  resume(container: string): Promise<void>;
}

/** The runtime at `path`, run through the kernel thread. */
export function createRuntime(
  kernel: Kernel,
  description: { name: string; path: string; arguments?: readonly string[]; root: string },
): OciRuntime {
  const global = [...(description.arguments ?? []), '--root', description.root];
  const run = async (command: string, ...words: string[]) => {
    announceStep(`runtime ${command}`, words.at(-1) ?? '');
    const ended = await runProgram(kernel, description.path, [...global, command, ...words]);
    if (ended.status.code === 0) return;
    throw systemError(`${description.name} ${command} failed: ${ended.stderr.trim()}`);
  };
  return {
    name: description.name,
    path: description.path,
    arguments: description.arguments ?? [],
    root: description.root,
    // --force also makes an unknown container no error.
    delete: (container) => run('delete', '--force', container),
    pause: (container) => run('pause', container),
    resume: (container) => run('resume', container),
  };
}
