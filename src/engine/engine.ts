import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { extname } from 'node:path';
import { standardHeaders } from '../api/docker/index.ts';
import { createApiServer } from '../api/http/index.ts';
import { Clock, createLog, type Log, type LogLevel, messageOf } from '../base/index.ts';
import { type Containers, createContainers } from '../containers/index.ts';
import { EventLog } from '../events/index.ts';
import { type ConfinedThreads, type Kernel, openConfinedThreads, startKernel } from '../linux/index.ts';
import { containerContext, createRouter } from './assemble.ts';
import { prepareDirectories } from './directories.ts';
import { describeHost } from './host.ts';
import { listen } from './listen.ts';
import type { Configuration } from './options.ts';
import { openRuntimes, openStores } from './parts.ts';
import { COMPATIBLE_DOCKER_VERSION } from './version.ts';

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
    const host = describeHost();
    const kernel = await startKernel();
    const confined = openConfinedThreads({
      entry: new URL(`./confined-worker${extname(import.meta.url)}`, import.meta.url),
    });
    const clock = new Clock();
    const reportListener = (error: unknown) => log.error({ error: messageOf(error) }, 'an event listener failed');
    const events = new EventLog(clock, reportListener);
    const parts = { configuration, host, kernel, confined, clock, events, log };
    const stores = await openStores(parts);
    const runtimes = openRuntimes(parts);
    const containers = createContainers(containerContext(parts, stores, runtimes));
    const recovery = await containers.recover();
    const router = createRouter(parts, stores, runtimes, containers);
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
