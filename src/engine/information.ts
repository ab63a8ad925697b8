import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import type { Clock } from '../base/index.ts';
import type { Containers } from '../containers/index.ts';
import { API_VERSION, MIN_API_VERSION, type SystemInfo, type VersionResponse } from '../contract/docker/index.ts';
import type { EventLog } from '../events/index.ts';
import type { RuntimeEntry } from '../runtime/index.ts';
import { goArchitecture, type Host } from './host.ts';
import type { Configuration } from './options.ts';
import { COMPATIBLE_DOCKER_VERSION, ENGINE_VERSION } from './version.ts';

/** What `GET /info` is made of. */
export interface InformationSources {
  readonly id: string;
  readonly configuration: Configuration;
  readonly host: Host;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly containers: Containers;
  readonly imageCount: () => number;
  readonly runtimes: Readonly<Record<string, RuntimeEntry>>;
  readonly defaultRuntime: string;
}

/** The answer of `GET /info`, as of now. */
export function systemInfo(sources: InformationSources): SystemInfo {
  const { configuration, host, containers } = sources;
  const counts = containers.counts();
  const isV1 = host.cgroupVersion === 1;
  return {
    ID: sources.id,
    Containers: counts.total,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.total - counts.running - counts.paused,
    Images: sources.imageCount(),
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', fileSystemName(configuration.dataRoot)],
      ['userxattr', 'false'],
    ],
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'null'],
      Authorization: null,
      Log: ['json-file', 'none'],
    },
    ...limitsOf(host),
    IPv4Forwarding: readFlag('/proc/sys/net/ipv4/ip_forward'),
    Debug: configuration.debug,
    NFd: configuration.debug ? readdirSync('/proc/self/fd').length : 0,
    OomKillDisable: isV1,
    NGoroutines: 0,
    SystemTime: sources.clock.timestamp(),
    LoggingDriver: configuration.logDriver,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(host.cgroupVersion),
    NEventsListener: sources.events.listeners,
    KernelVersion: host.kernelRelease,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: 'linux',
    Architecture: machineName(host.architecture),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: {
      InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'],
      IndexConfigs: { 'docker.io': { Name: 'docker.io', Mirrors: [], Secure: true, Official: true } },
      Mirrors: null,
    },
    NCPU: host.cpuCount,
    MemTotal: host.memoryBytes,
    GenericResources: null,
    DockerRootDir: configuration.dataRoot,
    HttpProxy: '',
    HttpsProxy: '',
    NoProxy: '',
    Name: host.hostname,
    Labels: configuration.labels,
    ExperimentalBuild: false,
    ServerVersion: COMPATIBLE_DOCKER_VERSION,
    Runtimes: Object.fromEntries(
      Object.entries(sources.runtimes).map(([name, { path, runtimeArgs }]) => [
        name,
        { path, ...(runtimeArgs && { runtimeArgs: [...runtimeArgs] }) },
      ]),
    ),
    DefaultRuntime: sources.defaultRuntime,
    Swarm: NO_SWARM,
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'docker-init',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    SecurityOptions: ['name=seccomp,profile=builtin', ...(isV1 ? [] : ['name=cgroupns'])],
    ...(configuration.addressPools.length > 0 && {
      DefaultAddressPools: configuration.addressPools.map(({ base, size }) => ({ Base: base, Size: size })),
    }),
    CDISpecDirs: [],
    Warnings: null,
  };
}

/** Which limits of resources the kernel knows. */
function limitsOf(host: Host) {
  const isV1 = host.cgroupVersion === 1;
  return {
    MemoryLimit: true,
    SwapLimit: isV1 ? existsSync(`${host.cgroups.mounts.get('memory')}/memory.memsw.limit_in_bytes`) : true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
  };
}

/** The machine as uname(2) names it. */
function machineName(architecture: string): string {
  return MACHINE_NAMES[architecture] ?? architecture;
}

/** The answer of `GET /version`. */
export function versionInfo(host: Host): VersionResponse {
  const architecture = goArchitecture(host.architecture);
  return {
    Platform: { Name: 'Gantry' },
    Components: [
      {
        Name: 'Engine',
        Version: COMPATIBLE_DOCKER_VERSION,
        Details: {
          ApiVersion: API_VERSION,
          Arch: architecture,
          BuildTime: '',
          Experimental: 'false',
          GitCommit: '',
          GoVersion: '',
          KernelVersion: host.kernelRelease,
          MinAPIVersion: MIN_API_VERSION,
          Os: 'linux',
        },
      },
      { Name: 'gantry', Version: ENGINE_VERSION, Details: { GitCommit: '' } },
    ],
    Version: COMPATIBLE_DOCKER_VERSION,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: architecture,
    KernelVersion: host.kernelRelease,
    BuildTime: '',
  };
}

const MACHINE_NAMES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** What an engine outside any cluster says of it. */
const NO_SWARM: SystemInfo['Swarm'] = {
  NodeID: '',
  NodeAddr: '',
  LocalNodeState: 'inactive',
  ControlAvailable: false,
  Error: '',
  RemoteManagers: null,
};

function readFlag(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

// statfs(2), f_type; the names are dockerd's.
const FILE_SYSTEM_NAMES: Readonly<Record<number, string>> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
};

function fileSystemName(path: string): string {
  return FILE_SYSTEM_NAMES[statfsSync(path).type] ?? '<unknown>';
}
