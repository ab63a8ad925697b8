import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type ContainerRequest, EngineClient, startEngine } from '../test/harness/index.ts';

/** Something whose speed is measured. */
export interface Contender extends AsyncDisposable {
  readonly name: string;
  /** Makes ready what `runTrue` and `execTrue` need. */
  prepare(): Promise<void>;
  /** Runs `true` in a container of its own, to its end. */
  runTrue(): Promise<void>;
  /** Runs `true` in a container that is there already. */
  execTrue(): Promise<void>;
  /** Makes and starts a container that does nothing. */
  startIdle(): Promise<void>;
  /** KiB of memory (proportional set size) of everything that keeps containers running, their own processes aside. */
  helperMemory(): number | undefined;
  /** Removes what startIdle made. */
  removeIdle(): Promise<void>;
}

/** What every contender's containers are made from. */
export const IDLE_COMMAND = ['sleep', '3600'];

/** How many requests go out side by side when many containers are removed. */
const REMOVALS_AT_A_TIME = 8;

/** An engine with Docker's API, driven by the docker CLI and, for many containers at once, by HTTP. */
export class EngineContender implements Contender {
  readonly name: string;
  readonly #client: EngineClient;
  readonly #daemon: number;
  readonly #end: () => Promise<void>;
  readonly #idle: string[] = [];
  #host = '';

  constructor(name: string, client: EngineClient, daemon: number, end: () => Promise<void>) {
    this.name = name;
    this.#client = client;
    this.#daemon = daemon;
    this.#end = end;
  }

  async prepare(): Promise<void> {
    await this.#client.load(this.#client.images.busybox);
    this.#host = await this.#start();
  }

  runTrue(): Promise<void> {
    return this.#docker('run', '--rm', 'busybox', 'true');
  }

  execTrue(): Promise<void> {
    return this.#docker('exec', this.#host, 'true');
  }

  async startIdle(): Promise<void> {
    this.#idle.push(await this.#start());
  }

  helperMemory(): number {
    return daemonProcesses(this.#daemon).reduce((sum, pid) => sum + proportionalSetSize(pid), 0);
  }

  async removeIdle(): Promise<void> {
    const remove = async () => {
      for (let id = this.#idle.pop(); id !== undefined; id = this.#idle.pop()) await this.#client.remove(id);
    };
    await Promise.all(Array.from({ length: REMOVALS_AT_A_TIME }, remove));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.removeOwn();
    await this.#end();
  }

  /** On the default bridge, as `docker run` has it. */
  #start(): Promise<string> {
    const request: ContainerRequest = { Cmd: [...IDLE_COMMAND], HostConfig: { NetworkMode: 'default' } };
    return this.#client.start(request);
  }

  async #docker(...argv: string[]): Promise<void> {
    const { status, stderr } = await this.#client.docker(...argv);
    if (status !== 0) throw new Error(`${this.name}: docker ${argv.join(' ')}: status ${status}: ${stderr}`);
  }
}

/** The engine at `address` (`unix:///path,PID`, PID being its own); without one, ours, in namespaces of its own. */
export async function openEngine(name: string, address: string | undefined): Promise<EngineContender> {
  if (address === undefined) {
    const engine = await startEngine();
    return new EngineContender(name, engine, engine.enginePid ?? 0, () => engine[Symbol.asyncDispose]());
  }
  const [, path, pid] = /^(?:unix:\/\/)?(\/[^,]+),(\d+)$/.exec(address) ?? [];
  if (path === undefined) throw new Error(`${address} is not unix:///path,PID`);
  return new EngineContender(name, new EngineClient(path, Number(pid)), Number(pid), async () => {});
}

/** Programs that hold a container and outlive the process that started them. */
const HOLDERS = /(^|\/)(gantry-shim|containerd-shim[\w-]*)$/;

/**
 * The daemon and its helpers. They share its mount namespace, which containers do not; where that is also the host's, they
 * are its descendants and every holder of containers.
 */
function daemonProcesses(daemon: number): number[] {
  const namespace = mountNamespace(daemon);
  const isOwn = namespace !== mountNamespace(process.pid);
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const candidates = all.map(Number).filter((pid) => mountNamespace(pid) === namespace);
  const parents = new Map(candidates.map((pid) => [pid, parentOf(pid)]));
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === daemon || (parents.has(pid) && descends(parents.get(pid))));
  return candidates.filter((pid) => descends(pid) || HOLDERS.test(programOf(pid)) || (isOwn && isDaemon(pid)));
}

function isDaemon(pid: number): boolean {
  return /(^|\/)(containerd|docker-proxy)$/.test(programOf(pid));
}

function mountNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return ''; // ended while we looked
  }
}

function parentOf(pid: number): number {
  // proc(5): the fields after the program's name, which may hold spaces and parentheses itself.
  return Number(read(pid, 'stat').split(') ').at(-1)?.split(' ')[1] ?? 0);
}

function programOf(pid: number): string {
  return read(pid, 'cmdline').split('\0')[0] ?? '';
}

/** KiB. */
function proportionalSetSize(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(pid, 'smaps_rollup'))?.[1] ?? 0);
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // ended while we looked
  }
}
