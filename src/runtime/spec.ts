import type { HostConfig, ThrottleDevice, Ulimit } from '../contract/docker/index.ts';
import { effectiveCapabilities } from './capabilities.ts';
import { allHostDevices, DEFAULT_DEVICE_RULES, deviceNumber, hostDevices } from './devices.ts';
import type { OciDevice, OciDeviceRule, OciMount, OciProcess, OciResources, OciSpec } from './oci.ts';
import { DEFAULT_SECCOMP_PROFILE, resolveSeccomp, type SeccompHost, type SeccompProfile } from './seccomp.ts';

/** The runtime-spec version both runc 1.0 and crun 1.0 accept. */
const OCI_VERSION = '1.0.2';

/** Paths hidden from a container (moby `oci/defaults.go`). */
export const DEFAULT_MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

/** Paths a container may read but not write (moby `oci/defaults.go`). */
export const DEFAULT_READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const NANOCPUS_PER_CPU = 1e9;

/** CFS period in microseconds that `--cpus` is translated with (moby `daemon_unix.go`). */
const CPU_PERIOD_MICROSECONDS = 100_000;

/** A user as the container's own passwd and group files resolve it. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** The home directory that the passwd file names; `/` for a user it does not know. */
  readonly home: string;
}

/** What a process is asked to be, for the container's first one and for exec alike. */
export interface ProcessRequest {
  readonly arguments: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: ResolvedUser;
  readonly terminal: boolean;
  readonly consoleSize?: readonly [number, number] | null | undefined;
  readonly privileged: boolean;
}

/** Security settings shared by all processes of a container. */
export interface SecurityRequest {
  readonly noNewPrivileges: boolean;
  /** The container may change its own part of the cgroup tree. */
  readonly writableCgroups: boolean;
  readonly apparmorProfile: string | undefined;
  /** 'default', 'unconfined', or the client's own profile. */
  readonly seccomp: 'default' | 'unconfined' | SeccompProfile;
}

/** Where the kernel's facilities of a container come from: a new namespace, the host's, or the one at a path. */
export type NamespaceChoice = 'new' | 'host' | { readonly path: string };

export interface SpecRequest {
  readonly process: ProcessRequest;
  readonly security: SecurityRequest;
  readonly hostConfig: HostConfig;
  readonly rootPath: string;
  readonly hostname: string;
  readonly domainname: string;
  readonly namespaces: Readonly<Record<'network' | 'pid' | 'ipc' | 'uts' | 'cgroup', NamespaceChoice>>;
  /** The engine's and the client's mounts, in the order they shall be made, behind the standard ones. */
  readonly mounts: readonly OciMount[];
  readonly cgroupPath: string;
  readonly host: HostFacts;
}

/** What the specification depends on besides the request. */
export interface HostFacts extends SeccompHost {
  readonly cgroupVersion: 1 | 2;
  /** Capabilities that containers can be given, one bit each. */
  readonly capabilities: bigint;
}

/** The OCI configuration of a container. Reads device nodes of the host where the request names some. */
export function buildSpec(request: SpecRequest): OciSpec {
  const { hostConfig, host } = request;
  const devices = requestedDevices(hostConfig);
  const sysctl = sysctls(request);
  return {
    ociVersion: OCI_VERSION,
    process: buildProcess(request.process, request.security, hostConfig, host),
    root: { path: request.rootPath, readonly: hostConfig.ReadonlyRootfs },
    ...(request.namespaces.uts !== 'host' && { hostname: request.hostname }),
    mounts: [...standardMounts(request), ...request.mounts],
    ...(hostConfig.Annotations && { annotations: hostConfig.Annotations }),
    linux: {
      ...(Object.keys(sysctl).length > 0 && { sysctl }),
      resources: buildResources(hostConfig, devices.rules, host),
      cgroupsPath: request.cgroupPath,
      namespaces: namespaceList(request),
      ...(devices.devices.length > 0 && { devices: devices.devices }),
      ...seccompOf(request),
      ...(rootPropagation(request.mounts) && { rootfsPropagation: rootPropagation(request.mounts) }),
      maskedPaths: hostConfig.Privileged ? [] : [...(hostConfig.MaskedPaths ?? DEFAULT_MASKED_PATHS)],
      readonlyPaths: hostConfig.Privileged ? [] : [...(hostConfig.ReadonlyPaths ?? DEFAULT_READONLY_PATHS)],
    },
  };
}

/** The OCI description of one process: part of the configuration, and by itself what `exec` hands to the runtime. */
export function buildProcess(
  request: ProcessRequest,
  security: SecurityRequest,
  hostConfig: HostConfig,
  host: HostFacts,
): OciProcess {
  const capabilities = effectiveCapabilities(
    { privileged: request.privileged, add: hostConfig.CapAdd, drop: hostConfig.CapDrop },
    host.capabilities,
  );
  // A user other than root keeps only the bounding set, as execve(2) would leave it (capabilities(7)).
  const held = request.user.uid === 0 ? capabilities : [];
  const [height, width] = request.consoleSize ?? [0, 0];
  return {
    ...(request.terminal && { terminal: true }),
    ...(request.terminal && height > 0 && { consoleSize: { height, width } }),
    user: {
      uid: request.user.uid,
      gid: request.user.gid,
      additionalGids: [...request.user.additionalGids],
    },
    args: [...request.arguments],
    env: withHome(request.environment, request.user.home),
    cwd: request.workingDirectory === '' ? '/' : request.workingDirectory,
    capabilities: { bounding: capabilities, effective: held, permitted: held },
    rlimits: (hostConfig.Ulimits ?? []).map(rlimit),
    noNewPrivileges: security.noNewPrivileges,
    ...(security.apparmorProfile !== undefined && { apparmorProfile: security.apparmorProfile }),
    oomScoreAdj: hostConfig.OomScoreAdj,
  };
}

/** The environment of a process: Docker's own variables, overridden by the image's and the client's (later ones win). */
export function buildEnvironment(options: {
  hostname: string;
  terminal: boolean;
  configured: readonly string[];
}): string[] {
  const result = new Map<string, string>();
  const own = [DEFAULT_PATH, `HOSTNAME=${options.hostname}`, ...(options.terminal ? ['TERM=xterm'] : [])];
  for (const entry of [...own, ...options.configured]) {
    const separator = entry.indexOf('=');
    // `NAME` without a value removes the variable.
    if (separator < 0) result.delete(entry);
    else result.set(entry.slice(0, separator), entry);
  }
  return [...result.values()];
}

/**
 * Runtimes look HOME up themselves where it is missing, in a passwd file that the container may have replaced by a pipe to
 * keep them waiting.
 */
function withHome(environment: readonly string[], home: string): string[] {
  return environment.some((entry) => entry.startsWith('HOME=')) ? [...environment] : [...environment, `HOME=${home}`];
}

function standardMounts(request: SpecRequest): OciMount[] {
  const privileged = request.hostConfig.Privileged;
  const taken = new Set(request.mounts.map((mount) => mount.destination));
  const readOnly = privileged ? 'rw' : 'ro';
  const hostProc = request.namespaces.pid === 'host';
  const all: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', readOnly] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [request.security.writableCgroups ? 'rw' : readOnly, 'nosuid', 'noexec', 'nodev'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    ...sharedMemoryMount(request),
  ];
  const replaceable = (mount: OciMount) => !taken.has(mount.destination) || (hostProc && mount.destination === '/proc');
  return all.filter(replaceable);
}

function sharedMemoryMount(request: SpecRequest): OciMount[] {
  const { ipc } = request.namespaces;
  if (request.hostConfig.IpcMode === 'none') return [];
  if (ipc === 'host') {
    return [{ destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate'] }];
  }
  if (ipc !== 'new' || request.hostConfig.IpcMode === 'shareable') return [];
  const size = `size=${request.hostConfig.ShmSize}`;
  return [
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', size],
    },
  ];
}

function namespaceList(request: SpecRequest): { type: string; path?: string }[] {
  const chosen = Object.entries(request.namespaces).flatMap(([type, choice]) => {
    if (choice === 'host') return [];
    return choice === 'new' ? [{ type }] : [{ type, path: choice.path }];
  });
  return [{ type: 'mount' }, ...chosen];
}

function sysctls(request: SpecRequest): Record<string, string> {
  const result: Record<string, string> = {};
  // Docker lets every user of a container's own network bind low ports and ping (moby `oci_linux.go`).
  if (request.namespaces.network !== 'host') {
    result['net.ipv4.ip_unprivileged_port_start'] = '0';
    result['net.ipv4.ping_group_range'] = '0 2147483647';
  }
  return { ...result, ...request.hostConfig.Sysctls };
}

function requestedDevices(hostConfig: HostConfig): { devices: OciDevice[]; rules: OciDeviceRule[] } {
  if (hostConfig.Privileged) return { devices: allHostDevices(), rules: [{ allow: true, access: 'rwm' }] };
  const devices: OciDevice[] = [];
  const rules: OciDeviceRule[] = [...DEFAULT_DEVICE_RULES];
  for (const mapping of hostConfig.Devices ?? []) {
    const found = hostDevices(
      mapping.PathOnHost,
      mapping.PathInContainer || mapping.PathOnHost,
      mapping.CgroupPermissions || 'rwm',
    );
    devices.push(...found.devices);
    rules.push(...found.rules);
  }
  return { devices, rules: [...rules, ...(hostConfig.DeviceCgroupRules ?? []).map(parseDeviceRule)] };
}

/** `c 1:3 rwm`, already validated; `*` stands for every number. */
function parseDeviceRule(text: string): OciDeviceRule {
  const [type = 'a', numbers = '*:*', access = 'rwm'] = text.split(' ');
  const [major, minor] = numbers.split(':');
  return {
    allow: true,
    type,
    ...(major !== '*' && { major: Number(major) }),
    ...(minor !== '*' && { minor: Number(minor) }),
    access,
  };
}

function buildResources(hostConfig: HostConfig, devices: OciDeviceRule[], host: HostFacts): OciResources {
  const quota = cpuQuota(hostConfig);
  const swappiness = hostConfig.MemorySwappiness;
  const memory = {
    ...(hostConfig.Memory > 0 && { limit: hostConfig.Memory }),
    ...(hostConfig.MemoryReservation > 0 && { reservation: hostConfig.MemoryReservation }),
    ...(hostConfig.MemorySwap !== 0 && { swap: hostConfig.MemorySwap }),
    ...(swappiness !== null && swappiness >= 0 && host.cgroupVersion === 1 && { swappiness }),
    ...(hostConfig.OomKillDisable === true && host.cgroupVersion === 1 && { disableOOMKiller: true }),
  };
  const cpu = {
    ...(hostConfig.CpuShares > 0 && { shares: hostConfig.CpuShares }),
    ...quota,
    ...(hostConfig.CpuRealtimePeriod > 0 && { realtimePeriod: hostConfig.CpuRealtimePeriod }),
    ...(hostConfig.CpuRealtimeRuntime > 0 && { realtimeRuntime: hostConfig.CpuRealtimeRuntime }),
    ...(hostConfig.CpusetCpus !== '' && { cpus: hostConfig.CpusetCpus }),
    ...(hostConfig.CpusetMems !== '' && { mems: hostConfig.CpusetMems }),
  };
  const blockIO = {
    ...(hostConfig.BlkioWeight > 0 && { weight: hostConfig.BlkioWeight }),
    ...weights(hostConfig),
    ...throttle('throttleReadBpsDevice', hostConfig.BlkioDeviceReadBps),
    ...throttle('throttleWriteBpsDevice', hostConfig.BlkioDeviceWriteBps),
    ...throttle('throttleReadIOPSDevice', hostConfig.BlkioDeviceReadIOps),
    ...throttle('throttleWriteIOPSDevice', hostConfig.BlkioDeviceWriteIOps),
  };
  const pidsLimit = hostConfig.PidsLimit ?? 0;
  return {
    devices,
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    // Docker: 0 and negative mean no limit; the kernel's word for that is -1 here (config-linux.md, "PIDs").
    ...(hostConfig.PidsLimit !== null && { pids: { limit: pidsLimit > 0 ? pidsLimit : -1 } }),
    ...(Object.keys(blockIO).length > 0 && { blockIO }),
  };
}

function cpuQuota(hostConfig: HostConfig): { period?: number; quota?: number } {
  if (hostConfig.NanoCpus > 0) {
    return {
      period: CPU_PERIOD_MICROSECONDS,
      quota: Math.floor((hostConfig.NanoCpus * CPU_PERIOD_MICROSECONDS) / NANOCPUS_PER_CPU),
    };
  }
  return {
    ...(hostConfig.CpuPeriod > 0 && { period: hostConfig.CpuPeriod }),
    ...(hostConfig.CpuQuota !== 0 && { quota: hostConfig.CpuQuota }),
  };
}

function weights(hostConfig: HostConfig): Pick<NonNullable<OciResources['blockIO']>, 'weightDevice'> {
  const devices = hostConfig.BlkioWeightDevice ?? [];
  if (devices.length === 0) return {};
  return { weightDevice: devices.map(({ Path, Weight }) => ({ ...deviceNumber(Path), weight: Weight })) };
}

function throttle(
  name: 'throttleReadBpsDevice' | 'throttleWriteBpsDevice' | 'throttleReadIOPSDevice' | 'throttleWriteIOPSDevice',
  devices: readonly ThrottleDevice[] | null,
): NonNullable<OciResources['blockIO']> {
  if (devices === null || devices.length === 0) return {};
  return { [name]: devices.map(({ Path, Rate }) => ({ ...deviceNumber(Path), rate: Rate })) };
}

function rlimit(limit: Ulimit): { type: string; soft: number; hard: number } {
  return { type: `RLIMIT_${limit.Name.toUpperCase()}`, soft: limit.Soft, hard: limit.Hard };
}

function seccompOf(request: SpecRequest): Pick<OciSpec['linux'], 'seccomp'> {
  const { seccomp } = request.security;
  if (seccomp === 'unconfined' || (request.hostConfig.Privileged && seccomp === 'default')) return {};
  const profile = seccomp === 'default' ? DEFAULT_SECCOMP_PROFILE : seccomp;
  const capabilities = effectiveCapabilities(
    {
      privileged: request.hostConfig.Privileged,
      add: request.hostConfig.CapAdd,
      drop: request.hostConfig.CapDrop,
    },
    request.host.capabilities,
  );
  return { seccomp: resolveSeccomp(profile, capabilities, request.host) };
}

/** A shared or slave bind needs a root whose mounts propagate at least as far (moby `oci_linux.go`). */
function rootPropagation(mounts: readonly OciMount[]): string | undefined {
  const options = new Set(mounts.flatMap((mount) => mount.options));
  if (options.has('shared') || options.has('rshared')) return 'shared';
  return options.has('slave') || options.has('rslave') ? 'slave' : undefined;
}
