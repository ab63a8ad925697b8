import { join } from 'node:path';
import { type Clock, type Log, unavailable } from '../base/index.ts';
import type { EventLog } from '../events/index.ts';
import { type Images, openImages } from '../images/index.ts';
import { type Layers, openLayers } from '../layers/index.ts';
import type { ConfinedThreads, Kernel } from '../linux/index.ts';
import { type Networks, openNetworks } from '../networks/index.ts';
import { openRegistry } from '../registry/index.ts';
import { chooseRuntimes, createRuntime, type OciRuntime, type RuntimeEntry } from '../runtime/index.ts';
import { openVolumes, type Volumes } from '../volumes/index.ts';
import { findNative, type Host } from './host.ts';
import type { Configuration } from './options.ts';
import { COMPATIBLE_DOCKER_VERSION } from './version.ts';

/** What every part of the engine is made with. */
export interface Foundation {
  readonly configuration: Configuration;
  readonly host: Host;
  readonly kernel: Kernel;
  readonly confined: ConfinedThreads;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly log: Log;
}

/** The nouns below containers. */
export interface Stores {
  readonly layers: Layers;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly networks: Networks;
}

/** Opens what is on disk; nothing is recovered yet. */
export async function openStores(foundation: Foundation): Promise<Stores> {
  const { configuration, kernel, confined, clock, events, log } = foundation;
  const { dataRoot: root, runDirectory } = configuration;
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
  return { layers, images, volumes, networks };
}

/** The OCI runtimes that containers may name. */
export interface Runtimes {
  readonly entries: Readonly<Record<string, RuntimeEntry>>;
  readonly defaultName: string;
  /** The runtime of that name; the default one for names that are gone from the configuration. Throws unavailable. */
  named(name: string): OciRuntime;
}

/** Finds the runtimes of the machine and of the configuration. */
export function openRuntimes({ configuration, host, kernel }: Foundation): Runtimes {
  const { runtimes: entries, defaultRuntime: defaultName } = chooseRuntimes(
    configuration.runtimes,
    configuration.defaultRuntime || undefined,
    { ...host, cgroup1Program: findNative('gantry-cgroup1') },
  );
  const root = join(configuration.runDirectory, 'runtime');
  const runtimes = new Map(
    Object.entries(entries).map(([name, { path, runtimeArgs }]) => [
      name,
      createRuntime(kernel, { name, path, arguments: runtimeArgs ?? [], root }),
    ]),
  );
  return {
    entries,
    defaultName,
    named(name) {
      const runtime = runtimes.get(name) ?? runtimes.get(defaultName);
      if (runtime === undefined) throw unavailable(`the OCI runtime ${defaultName} is not installed`);
      return runtime;
    },
  };
}
