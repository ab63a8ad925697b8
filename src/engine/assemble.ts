import { join } from 'node:path';
import {
  containerRoutes,
  execRoutes,
  imageRoutes,
  networkRoutes,
  systemRoutes,
  volumeRoutes,
} from '../api/docker/index.ts';
import { Router } from '../api/http/index.ts';
import { KeyedQueue } from '../base/index.ts';
import { type ContainerContext, ContainerStore, type Containers } from '../containers/index.ts';
import { expectCgroupMove, openCgroup, readCgroupAbilities } from '../linux/index.ts';
import { engineId } from './directories.ts';
import { findInit, findShim } from './host.ts';
import { systemInfo, versionInfo } from './information.ts';
import type { Foundation, Runtimes, Stores } from './parts.ts';

/** What the verbs of containers work with. */
export function containerContext(foundation: Foundation, stores: Stores, runtimes: Runtimes): ContainerContext {
  const { configuration, host, kernel, clock, events, log } = foundation;
  return {
    store: new ContainerStore(),
    queue: new KeyedQueue(),
    ...stores,
    kernel,
    events,
    clock,
    log,
    directories: {
      containers: join(configuration.dataRoot, 'containers'),
      shims: join(configuration.runDirectory, 'shims'),
      bundles: join(configuration.runDirectory, 'bundles'),
    },
    host,
    limits: {
      cpuCount: host.cpuCount,
      cgroupVersion: host.cgroupVersion,
      cgroups: readCgroupAbilities(host.cgroups),
      capabilities: host.capabilities,
      defaultRuntime: runtimes.defaultName,
      runtimes: Object.keys(runtimes.entries),
    },
    runtimeNamed: (name) => runtimes.named(name),
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
    expectCgroupMove: () => expectCgroupMove(host.cgroups),
    cgroupMembers: (path) => openCgroup(host.cgroups, path).processes(),
    isCgroupFrozen: (path) => openCgroup(host.cgroups, path).isFrozen(),
    memoryCgroup: (path) => ({
      version: host.cgroupVersion,
      path: openCgroup(host.cgroups, path).folder('memory'),
    }),
  };
}

/** Every route of the API. */
export function createRouter(
  foundation: Foundation,
  { images, networks, volumes }: Stores,
  runtimes: Runtimes,
  containers: Containers,
): Router {
  const { configuration, host, clock, events } = foundation;
  return new Router([
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
          id: engineId(configuration.dataRoot),
          configuration,
          host,
          clock,
          events,
          containers,
          imageCount: () => images.list({ usersOf: () => [] }).length,
          runtimes: runtimes.entries,
          defaultRuntime: runtimes.defaultName,
        }),
    }),
  ]);
}
