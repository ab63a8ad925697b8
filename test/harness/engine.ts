import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineClient } from './client.ts';
import { additions, cgroupsOf, type Inventory, processesOf, type Surroundings, takeInventory } from './inventory.ts';
import { ADD_HOST_ADDRESS, makeNamespaces, type Namespaces } from './namespaces.ts';
import { StepWatch } from './steps.ts';

/** How a test's engine differs from a plain one. */
export interface EngineOptions {
  readonly flags?: readonly string[];
  /** Contents of the engine's daemon.json. */
  readonly config?: object;
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
}

/** An engine of a test's own, in namespaces and directories of its own. */
export class TestEngine extends EngineClient implements AsyncDisposable {
  readonly directory: string;
  readonly dataRoot: string;
  readonly runDirectory: string;
  /** What the engine wrote to its standard output and error, over all its starts. */
  readonly logPath: string;
  readonly steps: StepWatch;
  readonly #namespaces: Namespaces;
  readonly #options: EngineOptions;
  readonly #containers = new Set<string>();
  #process: ChildProcess | undefined;
  #baseline: Inventory | undefined;

  constructor(directory: string, namespaces: Namespaces, options: EngineOptions) {
    super(join(directory, 'run', 'gantry.sock'), namespaces.pid);
    this.directory = directory;
    this.dataRoot = join(directory, 'data');
    this.runDirectory = join(directory, 'run');
    this.logPath = join(directory, 'log');
    this.steps = new StepWatch(directory);
    this.#namespaces = namespaces;
    this.#options = options;
    mkdirSync(this.runDirectory);
    writeFileSync(join(directory, 'daemon.json'), JSON.stringify(options.config ?? {}));
  }

  /** The engine's process, while there is one. */
  get enginePid(): number | undefined {
    return this.#process?.pid;
  }

  get log(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, 'utf8') : '';
  }

  /** Starts the engine, or starts it again; resolves when it answers. */
  async begin(): Promise<void> {
    const argv = this.command();
    const log = openSync(this.logPath, 'a');
    const watcher = watch(this.runDirectory);
    try {
      const engine = spawn(argv[0] ?? '', argv.slice(1), {
        stdio: ['ignore', log, log],
        env: { ...process.env, ...this.steps.environment, ...this.#options.environment },
      });
      this.#process = engine;
      await this.#answers(engine, watcher);
    } finally {
      closeSync(log);
      watcher.close();
    }
  }

  /** The command line of the engine, with the words that put it into its namespaces. */
  command(...more: readonly string[]): string[] {
    return [
      ...this.#namespaces.prefix,
      process.execPath,
      ...this.steps.nodeOptions,
      ...(this.#options.nodeOptions ?? []),
      engineEntry(),
      ...['--data-root', this.dataRoot, '--run-dir', this.runDirectory, '-H', `unix://${this.socketPath}`],
      ...['--config-file', join(this.directory, 'daemon.json'), '--pidfile', join(this.runDirectory, 'gantryd.pid')],
      ...['--bridge', 'gantry0'],
      ...(this.#options.flags ?? []),
      ...more,
    ];
  }

  /** Waits for the socket to appear and for the engine to answer on it; fails with its log if it ends instead. */
  async #answers(engine: ChildProcess, watcher: ReturnType<typeof watch>): Promise<void> {
    const ended = once(engine, 'exit').then(([code, signal]) => {
      throw new Error(`the engine ended (${code ?? signal}):\n${this.log}`);
    });
    ended.catch(() => {}); // it may well end later, when nobody waits any more
    const deadline = Date.now() + START_TIMEOUT;
    for (;;) {
      const answer = await Promise.race([this.http('GET', '/_ping').catch(() => undefined), ended]);
      if (answer?.status === 200) return;
      if (Date.now() > deadline) throw new Error(`the engine did not answer in ${START_TIMEOUT} ms:\n${this.log}`);
      const waiting = new AbortController();
      const { signal } = waiting;
      const changed = Promise.race([once(watcher, 'change', { signal }), delay(RETRY_INTERVAL, undefined, { signal })]);
      await Promise.race([changed.catch(() => {}), ended]).finally(() => waiting.abort());
    }
  }

  async #ended(signal: NodeJS.Signals): Promise<void> {
    const engine = this.#process;
    if (engine === undefined) return;
    this.#rememberContainers();
    if (engine.exitCode === null && engine.signalCode === null) {
      const exited = once(engine, 'exit');
      engine.kill(signal);
      await exited;
    }
    this.#process = undefined;
  }

  /** Kills the engine alone, with SIGKILL: its containers go on. */
  kill9(): Promise<void> {
    return this.#ended('SIGKILL');
  }

  /** Asks the engine to end (SIGTERM) and waits until it has. */
  stop(): Promise<void> {
    return this.#ended('SIGTERM');
  }

  /** Ends the engine and starts it again on the same directories, in the same namespaces. */
  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#ended(signal);
    await this.begin();
  }

  /** Resolves when the engine has ended by itself (or at a step, see `killAtStep`). */
  async death(): Promise<void> {
    const engine = this.#process;
    if (engine === undefined) return;
    this.#rememberContainers();
    if (engine.exitCode === null && engine.signalCode === null) await once(engine, 'exit');
    this.#process = undefined;
  }

  /** Has the engine die at the n-th step it announces from now on (0: only record the steps in `steps.seen`). */
  killAtStep(n: number): void {
    this.steps.arm(n);
  }

  /** The engine's open file descriptors, by what they point to. */
  descriptors(): string[] {
    const directory = `/proc/${this.enginePid}/fd`;
    return readdirSync(directory).flatMap((name) => {
      try {
        return [readlinkSync(join(directory, name)).replace(/\[\d+\]$/, '')];
      } catch {
        return []; // closed while we looked
      }
    });
  }

  #rememberContainers(): void {
    const directory = join(this.dataRoot, 'containers');
    if (existsSync(directory)) for (const id of readdirSync(directory)) this.#containers.add(id);
  }

  override async create(...argument: Parameters<EngineClient['create']>): Promise<string> {
    const id = await super.create(...argument);
    this.#containers.add(id);
    return id;
  }

  get #surroundings(): Surroundings {
    this.#rememberContainers();
    return {
      holder: this.#namespaces.pid,
      dataRoot: this.dataRoot,
      runDirectory: this.runDirectory,
      containers: this.#containers,
      engine: this.enginePid,
    };
  }

  /** Everything of the engine's that is there now. */
  inventory(): Promise<Inventory> {
    return takeInventory(this.#surroundings);
  }

  /** Declares what is there now (loaded images, say) not to be leftovers. */
  async takeBaseline(): Promise<void> {
    this.#baseline = await this.inventory();
  }

  /** What is there and was not at the baseline, as `place: line`; lines matching `ignore` are left out. */
  async leftovers(ignore: readonly RegExp[] = []): Promise<string[]> {
    if (this.#baseline === undefined) throw new Error('takeBaseline() first');
    return additions(this.#baseline, await this.inventory(), ignore);
  }

  /** Fails, naming every leftover, unless there is none. */
  async expectNothingLeft(ignore: readonly RegExp[] = []): Promise<void> {
    const found = await this.leftovers(ignore);
    if (found.length > 0) throw new Error(`left behind:\n${found.join('\n')}`);
  }

  /** Ends the engine and everything it started, and removes its directories, control groups and namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ended('SIGKILL');
    await this.#killOwnProcesses();
    for (const cgroup of cgroupsOf(this.#containers)) {
      try {
        rmdirSync(cgroup);
      } catch {
        // a dying process may still be in it; the group then only costs a few bytes
      }
    }
    await this.#namespaces[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Kills in rounds: what dies may have started something in the meantime, and needs a moment to be gone. */
  async #killOwnProcesses(): Promise<void> {
    for (let round = 0; round < KILL_ROUNDS; round += 1) {
      const found = processesOf(this.#surroundings);
      if (found.length === 0) return;
      for (const { pid } of found) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // gone
        }
      }
      await delay(RETRY_INTERVAL);
    }
  }
}

/** An engine that needs longer is broken, even on a loaded machine. Milliseconds. */
const START_TIMEOUT = 20_000;
/** Milliseconds between looks at something that cannot be waited for: processes that are not our children. */
const RETRY_INTERVAL = 20;
const KILL_ROUNDS = 250;

const REPOSITORY = dirname(dirname(import.meta.dirname));

/** The program to test: GANTRY_TEST_ENTRY, else the bundle if it is newer than every source, else the sources. */
function engineEntry(): string {
  const named = process.env.GANTRY_TEST_ENTRY;
  if (named !== undefined) return named;
  const bundle = join(REPOSITORY, 'dist/gantryd.js');
  const sources = join(REPOSITORY, 'src/engine/main.ts');
  if (!existsSync(bundle)) return sources;
  const built = statSync(bundle).mtimeMs;
  const isNewest = globSync('src/**/*.ts', { cwd: REPOSITORY }).every(
    (path) => path.endsWith('.test.ts') || statSync(join(REPOSITORY, path)).mtimeMs < built,
  );
  return isNewest ? bundle : sources;
}

/** Starts an engine of the test's own. Everything of it is gone when it is disposed of. */
export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'gt-'));
  const engine = new TestEngine(directory, await makeNamespaces(), options);
  try {
    await engine.begin();
    await engine.takeBaseline();
    return engine;
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** The engine that a test file of the API suite speaks to: one of its own, or the one GANTRY_TEST_HOST names. */
export async function suiteEngine(options: EngineOptions = {}): Promise<EngineClient> {
  const host = process.env.GANTRY_TEST_HOST;
  if (host === undefined) {
    const engine = await startEngine(options);
    after(() => engine[Symbol.asyncDispose]());
    return prepared(engine);
  }
  const socketPath = host.replace(/^unix:\/\//, '');
  const engine = new EngineClient(socketPath, Number(readFileSync(join(dirname(socketPath), 'pid'), 'utf8')));
  await engine.inNetwork('sh', '-c', ADD_HOST_ADDRESS);
  after(() => engine.removeOwn());
  return prepared(engine);
}

async function prepared(engine: EngineClient): Promise<EngineClient> {
  await engine.load(engine.images.busybox);
  return engine;
}
