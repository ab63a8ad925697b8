import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { dirname, extname, join } from 'node:path';
import {
  containerRoutes,
  execRoutes,
  imageRoutes,
  networkRoutes,
  standardHeaders,
  systemRoutes,
  volumeRoutes,
} from '../api/docker/index.ts';
import { createApiServer, Router } from '../api/http/index.ts';
import {
  Clock,
  createLog,
  errnoOf,
  KeyedQueue,
  type Log,
  type LogLevel,
  messageOf,
  newId,
  unavailable,
} from '../base/index.ts';
import { ContainerStore, type Containers, createContainers } from '../containers/index.ts';
import { EventLog } from '../events/index.ts';
import { openImages } from '../images/index.ts';
import { openLayers } from '../layers/index.ts';
import {
  acquireLock,
  type ConfinedThreads,
  type Kernel,
  openCgroup,
  openConfinedThreads,
  readCgroupAbilities,
  startKernel,
} from '../linux/index.ts';
import { openNetworks } from '../networks/index.ts';
import { openRegistry } from '../registry/index.ts';
import { chooseRuntimes, createRuntime } from '../runtime/index.ts';
import { openVolumes } from '../volumes/index.ts';
import { describeHost, findInit, findNative, findShim } from './host.ts';
import { systemInfo, versionInfo } from './information.ts';
import { listen } from './listen.ts';
import type { Configuration } from './options.ts';
import { COMPATIBLE_DOCKER_VERSION } from './version.ts';

const PRIVATE_MODE = 0o700;

/** Mode of the data root and of the folder of containers: others pass through to what is theirs, but cannot list. */
const DATA_MODE = 0o710;

/** The running engine: everything it is made of is put together here, and nowhere else. */
export class Engine {
  readonly #log: Log;
  readonly #servers: readonly Server[];
  readonly #containers: Containers;
  readonly #threads: readonly (Kernel | ConfinedThreads)[];
  readonly #pidFile: string;

  private constructor(parts: {
    log: Log;
    servers: readonly Server[];
    containers: Containers;
    threads: readonly (Kernel | ConfinedThreads)[];
    pidFile: string;
  }) {
    this.#log = parts.log;
    this.#servers = parts.servers;
    this.#containers = parts.containers;
    this.#threads = parts.threads;
    this.#pidFile = parts.pidFile;
  }

  /** Starts an engine: opens the state, recovers what runs, listens. Throws what keeps it from starting. */
  static async start(configuration: Configuration): Promise<Engine> {
    const log = createLog(configuration.debug ? 'debug' : (configuration.logLevel as LogLevel));
    prepareDirectories(configuration);
    const { dataRoot: root, runDirectory } = configuration;
    const host = describeHost();
    const kernel = await startKernel();
    const confined = openConfinedThreads({
      entry: new URL(`./confined-worker${extname(import.meta.url)}`, import.meta.url),
    });
    const clock = new Clock();
    const reportListener = (error: unknown) => log.error({ error: messageOf(error) }, 'an event listener failed');
    const events = new EventLog(clock, reportListener);
    const announce = events.announce.bind(events);

    const layers = await openLayers({ root, kernel, confined, log });
    const registry = openRegistry({ insecureRegistries: configuration.insecureRegistries });
    const images = await openImages({
      root,
      layers,
      registry,
      clock,
      log,
      events: announce,
      concurrentDownloads: configuration.concurrentDownloads,
      version: COMPATIBLE_DOCKER_VERSION,
    });
    const volumes = await openVolumes({ root, kernel, clock, log, events: announce });
    const networks = await openNetworks({
      documents: join(root, 'network'),
      runDirectory,
      kernel,
      log,
      timestamp: () => clock.timestamp(),
      bridgeName: configuration.bridge,
      ...(configuration.bridgeAddress !== '' && { bridgeAddress: configuration.bridgeAddress }),
      ...(configuration.addressPools.length > 0 && { addressPools: configuration.addressPools }),
      mtu: configuration.mtu,
      events: announce,
    });

    const { runtimes, defaultRuntime } = chooseRuntimes(
      configuration.runtimes,
      configuration.defaultRuntime || undefined,
      { ...host, cgroup1Program: findNative('gantry-cgroup1') },
    );
    const runtimeRoot = join(runDirectory, 'runtime');
    const ociRuntimes = new Map(
      Object.entries(runtimes).map(([name, { path, runtimeArgs }]) => [
        name,
        createRuntime(kernel, { name, path, arguments: runtimeArgs ?? [], root: runtimeRoot }),
      ]),
    );
    const runtimeNamed = (name: string) => {
      const runtime = ociRuntimes.get(name) ?? ociRuntimes.get(defaultRuntime);
      if (runtime === undefined) throw unavailable(`the OCI runtime ${defaultRuntime} is not installed`);
      return runtime;
    };

    const containers = createContainers({
      store: new ContainerStore(),
      queue: new KeyedQueue(),
      layers,
      images,
      networks,
      volumes,
      kernel,
      events,
      clock,
      log,
      directories: {
        containers: join(root, 'containers'),
        shims: join(runDirectory, 'shims'),
        bundles: join(runDirectory, 'bundles'),
      },
      host,
      limits: {
        cpuCount: host.cpuCount,
        cgroupVersion: host.cgroupVersion,
        cgroups: readCgroupAbilities(host.cgroups),
        capabilities: host.capabilities,
        defaultRuntime,
        runtimes: [...ociRuntimes.keys()],
      },
      runtimeNamed,
      shimProgram: findShim(),
      initProgram: findInit(configuration.initProgram),
      cgroupParent: configuration.cgroupParent,
      defaultLogOptions: configuration.logOptions,
      defaultLogDriver: configuration.logDriver,
      defaultDns: {
        servers: configuration.dns,
        search: configuration.dnsSearch,
        options: configuration.dnsOptions,
      },
      cgroupMembers: (path) => openCgroup(host.cgroups, path).processes(),
      memoryCgroup: (path) => ({
        version: host.cgroupVersion,
        path: openCgroup(host.cgroups, path).folder('memory'),
      }),
    });
    const recovery = await containers.recover();

    const router = new Router([
      ...containerRoutes(containers),
      ...execRoutes(containers),
      ...imageRoutes(images, containers),
      ...networkRoutes(networks, containers),
      ...volumeRoutes(volumes, containers),
      ...systemRoutes({
        events,
        now: () => clock.now(),
        version: () => versionInfo(host),
        info: () =>
          systemInfo({
            id: engineId(root),
            configuration,
            host,
            clock,
            events,
            containers,
            imageCount: () => images.list({ usersOf: () => [] }).length,
            runtimes,
            defaultRuntime,
          }),
      }),
    ]);
    const headers = standardHeaders(COMPATIBLE_DOCKER_VERSION);
    const servers = configuration.hosts.map(() => createApiServer(router, headers, log));
    for (const [index, server] of servers.entries()) {
      await listen(server, configuration.hosts[index] ?? '', configuration.group, log);
    }
    log.info({ hosts: configuration.hosts }, 'the API is ready');
    void recovery.startWanted();
    return new Engine({ log, servers, containers, threads: [kernel, confined], pidFile: configuration.pidFile });
  }

  /** Ends the engine and nothing else: containers run on. */
  async stop(reason: string): Promise<void> {
    const { running, paused } = this.#containers.counts();
    this.#log.info({ reason, containers: running + paused }, 'stopping; running containers are left running');
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    await Promise.all(this.#threads.map((thread) => thread[Symbol.asyncDispose]()));
    rmSync(this.#pidFile, { force: true });
  }
}

/** Makes the engine's own folders and takes the locks of both roots. */
function prepareDirectories(configuration: Configuration): void {
  const { dataRoot, runDirectory, pidFile } = configuration;
  // What the engine makes is as private as its mode says, whatever the shell's umask was.
  process.umask(0o022);
  mkdirSync(dataRoot, { recursive: true, mode: DATA_MODE });
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 });
  for (const root of [dataRoot, runDirectory]) {
    if (!acquireLock(join(root, 'gantryd.lock'))) throw unavailable(`another engine uses ${root}`);
  }
  mkdirSync(join(dataRoot, 'containers'), { recursive: true, mode: DATA_MODE });
  for (const name of ['shims', 'bundles', 'runtime', 'netns']) {
    mkdirSync(join(runDirectory, name), { recursive: true, mode: PRIVATE_MODE });
  }
  mkdirSync(dirname(pidFile), { recursive: true });
  writeFileSync(pidFile, `${process.pid}\n`);
}

/** The id of this data root's engine, as dockerd keeps it in `engine-id`. */
function engineId(root: string): string {
  const file = join(root, 'engine-id');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const id = newId();
    writeFileSync(file, id);
    return id;
  }
}
