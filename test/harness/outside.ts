import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { EngineClient } from './client.ts';
import { type ProgramResult, runProgram } from './program.ts';

/** Another machine on the network of the engine's host: it knows no way to containers but through published ports. */
export interface OutsideHost extends AsyncDisposable {
  readonly address: string;
  /** Runs a program there. */
  run(...argv: readonly string[]): Promise<ProgramResult>;
}

/** Connects a namespace of its own to the engine's `host0` bridge (see namespaces.ts). */
export async function startOutsideHost(engine: EngineClient): Promise<OutsideHost> {
  const number = 2 + (Number.parseInt(engine.suite.slice(0, 6), 16) % 250);
  const address = `192.0.2.${number}`;
  const link = `out${engine.suite}`;
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const inside = ['nsenter', '--target', String(holder.pid), '--net', '--'];
  const setUp = [
    'set -e',
    `ip link add ${link} type veth peer name eth0 netns ${holder.pid}`,
    `ip link set ${link} master host0 up`,
    `${inside.join(' ')} ip address add ${address}/24 dev eth0`,
    `${inside.join(' ')} ip link set eth0 up`,
  ].join('\n');
  const dispose = async () => {
    // The kernel would remove the link with the namespace, but only some time later: its name would still be taken.
    await engine.inNetwork('ip', 'link', 'delete', link);
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
  };
  const made = await engine.inNetwork('sh', '-c', setUp);
  if (made.status !== 0) {
    await dispose();
    throw new Error(`outside host: ${made.stderr}`);
  }
  return {
    address,
    run: (...argv) => runProgram(inside[0] ?? '', [...inside.slice(1), ...argv]),
    [Symbol.asyncDispose]: dispose,
  };
}
