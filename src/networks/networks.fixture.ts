import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Clock, type Log } from '../base/index.ts';
import { type Kernel, startKernel } from '../linux/index.ts';
import { type Networks, openNetworks, type Sandbox, type SandboxRequest } from './index.ts';

// What the traffic tests of networks are made of: networks on the real kernel, and programs in their sandboxes.

/** Runs a program. */
export const run = promisify(execFile);

/** Long enough for any answer on one machine, short enough to notice that there is none. */
const NO_ANSWER_SECONDS = '1';

/** What the networks complained about in their log. */
export const problems: string[] = [];
const report = (details: unknown, message: unknown) => void problems.push(`${message} ${JSON.stringify(details)}`);
const log = { debug() {}, info() {}, warn: report, error: report, fatal: report } as unknown as Log;

/** Networks of their own, in the namespaces that the test file runs in. */
export class Fixture {
  readonly kernel: Kernel;
  readonly folder: string;
  networks: Networks;

  constructor(kernel: Kernel, folder: string, networks: Networks) {
    this.kernel = kernel;
    this.folder = folder;
    this.networks = networks;
  }

  static async start(): Promise<Fixture> {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-networks-'));
    const kernel = await startKernel();
    const fixture = new Fixture(kernel, folder, await Fixture.open(kernel, folder));
    await fixture.networks.recover(new Set());
    return fixture;
  }

  static open(kernel: Kernel, folder: string): Promise<Networks> {
    const clock = new Clock();
    return openNetworks({
      documents: join(folder, 'network'),
      runDirectory: '/run/gantry',
      kernel,
      log,
      timestamp: () => clock.timestamp(),
      bridgeName: 'gantry0',
      resolvConf: join(folder, 'resolv.conf'),
    });
  }

  /** Forgets everything that is only in memory, as a new engine would. */
  async restart(running: readonly string[]): Promise<ReadonlyMap<string, Sandbox>> {
    await this.networks[Symbol.asyncDispose]();
    this.networks = await Fixture.open(this.kernel, this.folder);
    return this.networks.recover(new Set(running));
  }

  async stop(): Promise<void> {
    await this.networks[Symbol.asyncDispose]();
    await this.kernel[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }

  join(name: string, network: string, more: Partial<SandboxRequest> = {}): Promise<Sandbox> {
    return this.networks.join({
      containerId: idOf(name),
      containerName: name,
      hostname: name,
      endpoints: [{ network }],
      ports: [],
      dnsServers: [],
      ...more,
    });
  }

  leave(...names: string[]): Promise<unknown> {
    return Promise.all(names.map((name) => this.networks.leave(idOf(name))));
  }
}

/** A container's id, made of its name. */
export function idOf(name: string): string {
  return Buffer.from(name).toString('hex').padEnd(64, '0');
}

/** Its address on its first network. */
export function addressOf(sandbox: Sandbox): string {
  return sandbox.endpoints[0]?.address ?? '';
}

/** A request to publish a TCP port. */
export const tcpPort = (hostPort: number, containerPort = 80, hostIp = '') =>
  ({ protocol: 'tcp', hostIp, hostPort, containerPort }) as const;

/** Runs a command in a sandbox's namespace; in ours without one. */
export async function inside(sandbox: Sandbox | undefined, ...command: string[]): Promise<string> {
  const { stdout } = await run(
    'nsenter',
    sandbox?.path === undefined ? command : [`--net=${sandbox.path}`, ...command],
  );
  return stdout;
}

/** Runs one of busybox's programs in a sandbox's namespace; in ours without one. */
export const busybox = (sandbox: Sandbox | undefined, ...command: string[]) =>
  sandbox === undefined ? run('busybox', command).then(({ stdout }) => stdout) : inside(sandbox, 'busybox', ...command);

/** A server in a sandbox that answers each TCP connection with its text. */
export function serve(sandbox: Sandbox, port: number, text: string): Promise<AsyncDisposable> {
  const program = `
    const server = require('node:net').createServer((socket) => socket.end(process.argv[2]));
    server.listen(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'));`;
  return startProgram(sandbox, program, [String(port), text]);
}

/** A server in a sandbox that answers each datagram with its text. */
export function serveUdp(sandbox: Sandbox, port: number, text: string): Promise<AsyncDisposable> {
  return startProgram(
    sandbox,
    `
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (_, from) => socket.send(process.argv[2], from.port, from.address));
    socket.bind(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'));`,
    [String(port), text],
  );
}

/** Runs a program of JavaScript in a sandbox until disposed; resolves when it has printed something. */
async function startProgram(sandbox: Sandbox, program: string, parameters: string[]): Promise<AsyncDisposable> {
  const child = spawn('nsenter', [`--net=${sandbox.path}`, process.execPath, '--eval', program, '--', ...parameters], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** What a TCP server says; undefined if it cannot be reached. */
export async function read(sandbox: Sandbox | undefined, address: string, port: number): Promise<string | undefined> {
  return busybox(sandbox, 'nc', '-w', NO_ANSWER_SECONDS, address, String(port)).catch(() => undefined);
}

/** A host where br_netfilter is not loaded behaves as with 0. */
export async function useBridgeNetfilter(value: string): Promise<void> {
  await writeFile('/proc/sys/net/bridge/bridge-nf-call-iptables', value).catch(() => {});
}
