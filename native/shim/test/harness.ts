/** Real containers for the shim's tests: a busybox root file system, bundles, shims, and the removal of them all. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ShimLog, ShimSettings } from '../../../src/contract/shim.ts';
import { ShimConnection, shimArguments } from '../../../src/runtime/shim-client.ts';

const run = promisify(execFile);

/** How long a shim may take to leave on a loaded machine. Milliseconds. */
const LEAVING_TIME = 5_000;

const RUNTIME = '/usr/sbin/runc';
const BUSYBOX = '/bin/busybox';
const SHIM = process.env.SHIM ?? join(import.meta.dirname, '../build/gantry-shim');
const CGROUPS = '/sys/fs/cgroup';
/** Version 2 alone has this file in its root (cgroup-v2.rst). */
const IS_UNIFIED = existsSync(join(CGROUPS, 'cgroup.controllers'));
const APPLETS = ['sh', 'cat', 'echo', 'sleep', 'stty', 'head', 'tail', 'seq', 'yes', 'printf', 'kill', 'dd', 'true', 'wc', 'test'];

/** What a test may say of its container; the rest is ordinary. */
export interface ContainerOptions {
  readonly command: readonly string[];
  readonly terminal?: boolean;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  /** Merged over a json-file log in the bundle. */
  readonly log?: Partial<Extract<ShimLog, { driver: 'json-file' }>>;
  readonly noLog?: boolean;
  /** Instead of runc. */
  readonly runtime?: string;
  /** Bytes of memory. */
  readonly memory?: number;
}

export interface TestContainer {
  readonly id: string;
  readonly directory: string;
  readonly logPath: string;
  readonly engine: ShimConnection;
  readonly socket: Socket;
}

export interface LogEntry {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

/** A temporary directory with everything in it; disposing of it removes containers, cgroups and files, come what may. */
export class Laboratory {
  readonly root: string;
  readonly #cgroup: string;
  readonly #containers: string[] = [];
  readonly #connections: ShimConnection[] = [];

  private constructor(root: string) {
    this.root = root;
    this.#cgroup = `gantry-shim-test-${process.pid}`;
  }

  static async open(): Promise<Laboratory> {
    const laboratory = new Laboratory(await mkdtemp(join(tmpdir(), 'gantry-shim-')));
    const bin = join(laboratory.root, 'rootfs/bin');
    await mkdir(bin, { recursive: true });
    for (const folder of ['proc', 'dev', 'tmp']) await mkdir(join(laboratory.root, 'rootfs', folder));
    await copyFile(BUSYBOX, join(bin, 'busybox'));
    for (const applet of APPLETS) await symlink('busybox', join(bin, applet));
    return laboratory;
  }

  /** Makes a bundle and a shim for it; the process waits for `engine.start()`. */
  async container(options: ContainerOptions): Promise<TestContainer> {
    const id = `shim-test-${process.pid}-${this.#containers.length}`;
    const bundle = join(this.root, id);
    await mkdir(bundle);
    await writeFile(join(bundle, 'config.json'), JSON.stringify(this.#config(id, options)));
    this.#containers.push(id);
    const logPath = join(bundle, `${id}-json.log`);
    return await this.#shim(id, join(bundle, 'shim'), logPath, options, { bundle });
  }

  /** Makes a shim for one more process in a running container. */
  async exec(container: TestContainer, name: string, options: ContainerOptions): Promise<TestContainer> {
    const file = join(this.root, container.id, `${name}.json`);
    await writeFile(file, JSON.stringify(processObject(options)));
    return await this.#shim(container.id, join(this.root, container.id, name), '', { ...options, noLog: true }, { exec: file });
  }

  async #shim(
    id: string,
    directory: string,
    logPath: string,
    options: ContainerOptions,
    what: ShimSettings['process'],
  ): Promise<TestContainer> {
    const settings: ShimSettings = {
      directory,
      runtime: { path: options.runtime ?? RUNTIME, root: join(this.root, 'runtime') },
      container: id,
      process: what,
      terminal: options.terminal ?? false,
      stdin: options.stdin ?? false,
      stdinOnce: options.stdinOnce ?? false,
      log: options.noLog ? { driver: 'none' } : { driver: 'json-file', path: logPath, ...options.log },
      ...(options.memory === undefined
        ? {}
        : { cgroup: this.#memoryCgroup(id) }),
    };
    const child = spawn(SHIM, shimArguments(settings), { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    const status = await new Promise((resolve) => child.once('exit', resolve));
    if (status !== 0) throw new Error(`the shim ended with ${status}`);
    const socket = child.stdio[3];
    if (!(socket instanceof Socket)) throw new Error('no socket');
    const engine = await ShimConnection.open(socket, directory);
    this.#connections.push(engine);
    return { id, directory, logPath, engine, socket };
  }

  /** Remembers a connection, to close it at the end. */
  keep(connection: ShimConnection): ShimConnection {
    this.#connections.push(connection);
    return connection;
  }

  #memoryCgroup(id: string): NonNullable<ShimSettings['cgroup']> {
    return IS_UNIFIED
      ? { version: 2, path: join(CGROUPS, this.#cgroup, id) }
      : { version: 1, path: join(CGROUPS, 'memory', this.#cgroup, id) };
  }

  #config(id: string, options: ContainerOptions): unknown {
    const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));
    const memory = options.memory === undefined ? {} : { memory: { limit: options.memory, swap: options.memory } };
    return {
      ociVersion: '1.0.2',
      process: processObject(options),
      root: { path: join(this.root, 'rootfs'), readonly: true },
      hostname: 'shim',
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
        { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666', 'mode=0620'] },
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' },
      ],
      linux: { namespaces, cgroupsPath: `/${this.#cgroup}/${id}`, resources: memory },
    };
  }

  /** Waits until `directory`'s shim has left (its socket is removed last). */
  async left(container: TestContainer): Promise<void> {
    await new Promise<void>((resolve) => {
      if (container.socket.closed) resolve();
      else container.socket.once('close', () => resolve());
    });
    // The last thing it does is to remove its socket, after it has closed the connections.
    for (const deadline = Date.now() + LEAVING_TIME; existsSync(join(container.directory, 'shim.sock')); ) {
      if (Date.now() > deadline) throw new Error(`the shim of ${container.directory} has not left`);
      await delay(1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#containers) {
      await run(RUNTIME, ['--root', join(this.root, 'runtime'), 'delete', '--force', id]).catch(() => {});
    }
    for (const connection of this.#connections) connection.close();
    await this.#removeCgroups();
    await rm(this.root, { recursive: true, force: true });
  }

  async #removeCgroups(): Promise<void> {
    for (const controller of IS_UNIFIED ? ['.'] : await readdir(CGROUPS)) {
      const folder = join(CGROUPS, controller, this.#cgroup);
      for (const id of this.#containers) await rmdir(join(folder, id)).catch(() => {});
      await rmdir(folder).catch(() => {});
    }
  }
}

function processObject(options: ContainerOptions): unknown {
  const capabilities = ['CAP_KILL', 'CAP_SETUID', 'CAP_SETGID'];
  return {
    terminal: options.terminal ?? false,
    user: { uid: 0, gid: 0 },
    args: options.command,
    env: ['PATH=/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
  };
}

/** Attaches and gathers: what each stream brought so far, and a promise of a certain text. */
export class Gathered {
  readonly chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  readonly #waiting = new Set<() => void>();

  readonly listen = (stream: 'stdout' | 'stderr', data: Buffer): void => {
    this.chunks[stream].push(Buffer.from(data));
    for (const check of this.#waiting) check();
  };

  text(stream: 'stdout' | 'stderr' = 'stdout'): string {
    return Buffer.concat(this.chunks[stream]).toString();
  }

  get bytes(): number {
    return this.chunks.stdout.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Resolves once stdout contains `text`. */
  until(text: string): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!this.text().includes(text)) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}

/** The entries of a json-file log. */
export async function readLog(path: string): Promise<LogEntry[]> {
  const content = await readFile(path, 'utf8');
  return content
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogEntry);
}

/** Resolves once the process has ended, reaped or not. It is not our child, so the kernel has no notice for us. */
export async function processEnded(pid: number): Promise<void> {
  for (;;) {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
    if (/\) Z/.test(status)) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
