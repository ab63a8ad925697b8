import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A network and a mount namespace held by a process of their own, so that an engine in them can die and start again
 * while its containers stay. The holder ends with this process (its standard input closes), whatever happens to us.
 */
export interface Namespaces extends AsyncDisposable {
  /** The holder. */
  readonly pid: number;
  /** The words to put before a command to run it in the namespaces. */
  readonly prefix: readonly string[];
}

/** A second address of the "host", not loopback, for published ports. From TEST-NET-1 (RFC 5737). */
export const HOST_ADDRESS = '192.0.2.1';

/** Gives a network namespace that address; does nothing where it is already. */
export const ADD_HOST_ADDRESS = `
ip link show host0 >/dev/null 2>&1 || {
  ip link add host0 type bridge
  ip address add ${HOST_ADDRESS}/24 dev host0
  ip link set host0 up
}`;

const SET_UP = `
set -e
ip link set lo up
${ADD_HOST_ADDRESS}
echo ready
exec cat`;

/** Makes fresh namespaces: loopback up, a bridge without ports that has an address, mounts that do not propagate. */
export async function makeNamespaces(): Promise<Namespaces> {
  const holder = spawn('unshare', ['--mount', '--net', '--propagation', 'private', 'sh', '-c', SET_UP], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(([status]) => {
      throw new Error(`unshare: status ${status}`);
    }),
  ]);
  const pid = holder.pid ?? 0;
  return {
    pid,
    prefix: ['nsenter', '--target', String(pid), '--mount', '--net', '--'],
    [Symbol.asyncDispose]: () => endHolder(holder),
  };
}

async function endHolder(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const exited = once(holder, 'exit');
  holder.kill('SIGKILL');
  await exited;
}
