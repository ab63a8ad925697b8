/** From the flags of `run` and `create` to the body of POST /containers/create: pure but for the files flags name. */

import type { ContainerCreateBody, DeviceRequest, HealthConfig, HostConfig } from '../../contract/docker/index.ts';
import { checkMacAddress } from './addresses.ts';
import type { ContainerFlagValues } from './container-flags.ts';
import { readLabels, readVariables } from './environment.ts';
import { cut } from './flag.ts';
import { parseTmpfs, parseVolumes } from './mounts.ts';
import { planNetworks } from './networks.ts';
import { parseExpose, parsePublish } from './ports.ts';
import { isCdiDevice, parseDevice, parseRestartPolicy, parseSecurityOptions } from './resources.ts';

/** What the flags are applied to. */
export interface ContainerRequest {
  readonly image: string;
  readonly command: readonly string[];
  readonly flags: ContainerFlagValues;
  readonly changed: ReadonlySet<string>;
  /** Proxy variables of config.json; they stand before the container's own. */
  readonly proxies?: ReadonlyMap<string, string>;
}

/** The range `--memory-swappiness` may have; -1 leaves it to the kernel. */
const SWAPPINESS = { unset: -1, most: 100 };

/** Builds the body. Throws docker's texts for flags that contradict each other. */
export function containerBody(request: ContainerRequest): ContainerCreateBody {
  const { flags, changed } = request;
  checkFlags(flags);
  const input = flags.attach.includes('stdin') || flags.interactive;
  const attachAll = flags.attach.length === 0;
  const volumes = parseVolumes(flags.volume);
  const ports = parsePublish(flags.publish);
  const networks = planNetworks([...flags.net, ...flags.network], {
    aliases: [...flags['net-alias'], ...flags['network-alias']],
    links: flags.link,
    linkLocalIps: flags['link-local-ip'],
    ipv4: flags.ip,
    ipv6: flags.ip6,
    macAddress: flags['mac-address'],
  });
  const health = healthConfig(flags);
  return {
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    AttachStdin: input,
    AttachStdout: attachAll || flags.attach.includes('stdout'),
    AttachStderr: attachAll || flags.attach.includes('stderr'),
    ExposedPorts: { ...ports.exposed, ...parseExpose(flags.expose) },
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && input,
    Env: withProxies(readVariables(flags['env-file'], flags.env), request.proxies),
    Cmd: request.command.length === 0 ? null : [...request.command],
    ...(health === undefined ? {} : { Healthcheck: health }),
    Image: request.image,
    Volumes: volumes.anonymous,
    WorkingDir: flags.workdir,
    Entrypoint: flags.entrypoint !== '' || changed.has('entrypoint') ? [flags.entrypoint] : null,
    OnBuild: null,
    Labels: readLabels(flags['label-file'], flags.label),
    ...(flags['stop-signal'] === '' ? {} : { StopSignal: flags['stop-signal'] }),
    ...(changed.has('stop-timeout') ? { StopTimeout: flags['stop-timeout'] } : {}),
    HostConfig: {
      ...hostPlacement(flags, changed),
      ...hostResources(flags, changed),
      Binds: volumes.binds.length === 0 ? null : volumes.binds,
      PortBindings: ports.bindings,
      NetworkMode: networks.mode,
    },
    NetworkingConfig: { EndpointsConfig: networks.endpoints },
  };
}

function checkFlags(flags: ContainerFlagValues): void {
  if (flags['mac-address'] !== '') checkMacAddress(flags['mac-address'].trim());
  const swappiness = flags['memory-swappiness'];
  if (swappiness !== SWAPPINESS.unset && (swappiness < 0 || swappiness > SWAPPINESS.most)) {
    throw new Error(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  const modes: [string, readonly string[], string][] = [
    [flags.pid, ['', 'host'], '--pid: invalid PID mode'],
    [flags.uts, ['', 'host'], '--uts: invalid UTS mode'],
    [flags.userns, ['', 'host'], '--userns: invalid USER mode'],
    [flags.cgroupns, ['', 'host', 'private'], '--cgroupns: invalid CGROUP mode'],
  ];
  for (const [mode, allowed, failure] of modes) {
    const another = mode === flags.pid && /^container:.+/.test(mode);
    if (!allowed.includes(mode) && !another) throw new Error(failure);
  }
}

function hostPlacement(flags: ContainerFlagValues, changed: ReadonlySet<string>): Partial<HostConfig> {
  const restart = parseRestartPolicy(flags.restart);
  if (flags.rm && restart.Name !== 'no') {
    throw new Error('conflicting options: cannot specify both --restart and --rm');
  }
  const unconfined = flags['security-opt'].includes('systempaths=unconfined');
  const security = flags['security-opt'].filter((option) => option !== 'systempaths=unconfined');
  return {
    ContainerIDFile: flags.cidfile,
    LogConfig: logConfig(flags),
    RestartPolicy: restart,
    AutoRemove: flags.rm,
    VolumeDriver: flags['volume-driver'],
    VolumesFrom: orNull(flags['volumes-from']),
    ...(Object.keys(flags.annotation).length === 0 ? {} : { Annotations: flags.annotation }),
    CapAdd: orNull(flags['cap-add']),
    CapDrop: orNull(flags['cap-drop']),
    CgroupnsMode: flags.cgroupns as HostConfig['CgroupnsMode'],
    Dns: flags.dns,
    DnsOptions: [...flags['dns-opt'], ...flags['dns-option']],
    // A lone dot means: no search domain at all.
    DnsSearch: flags['dns-search'],
    ExtraHosts: orNull(flags['add-host']),
    GroupAdd: orNull(flags['group-add']),
    IpcMode: flags.ipc,
    Links: orNull(flags.link),
    PidMode: flags.pid,
    Privileged: flags.privileged,
    PublishAllPorts: flags['publish-all'],
    ReadonlyRootfs: flags['read-only'],
    SecurityOpt: orNull(parseSecurityOptions(security)),
    ...(flags['storage-opt'].length === 0 ? {} : { StorageOpt: storageOptions(flags['storage-opt']) }),
    ...(flags.tmpfs.length === 0 ? {} : { Tmpfs: parseTmpfs(flags.tmpfs) }),
    UTSMode: flags.uts,
    UsernsMode: flags.userns,
    ShmSize: flags['shm-size'],
    ...(Object.keys(flags.sysctl).length === 0 ? {} : { Sysctls: flags.sysctl }),
    Runtime: flags.runtime,
    Isolation: flags.isolation,
    ...(flags.mount.length === 0 ? {} : { Mounts: flags.mount }),
    MaskedPaths: unconfined ? [] : null,
    ReadonlyPaths: unconfined ? [] : null,
    ...(changed.has('init') ? { Init: flags.init } : {}),
  };
}

function hostResources(flags: ContainerFlagValues, changed: ReadonlySet<string>): Partial<HostConfig> {
  const requests = [...flags.gpus, ...cdiRequests(flags.device)];
  return {
    CpuShares: flags['cpu-shares'],
    Memory: flags.memory,
    NanoCpus: flags.cpus ?? 0,
    CgroupParent: flags['cgroup-parent'],
    BlkioWeight: flags['blkio-weight'],
    BlkioWeightDevice: flags['blkio-weight-device'],
    BlkioDeviceReadBps: flags['device-read-bps'],
    BlkioDeviceWriteBps: flags['device-write-bps'],
    BlkioDeviceReadIOps: flags['device-read-iops'],
    BlkioDeviceWriteIOps: flags['device-write-iops'],
    CpuPeriod: flags['cpu-period'],
    CpuQuota: flags['cpu-quota'],
    CpuRealtimePeriod: flags['cpu-rt-period'],
    CpuRealtimeRuntime: flags['cpu-rt-runtime'],
    CpusetCpus: flags['cpuset-cpus'],
    CpusetMems: flags['cpuset-mems'],
    Devices: flags.device.filter((device) => !isCdiDevice(device)).map(parseDevice),
    DeviceCgroupRules: orNull(flags['device-cgroup-rule']),
    DeviceRequests: requests.length === 0 ? null : requests,
    MemoryReservation: flags['memory-reservation'],
    MemorySwap: flags['memory-swap'],
    MemorySwappiness: flags['memory-swappiness'],
    OomKillDisable: flags['oom-kill-disable'],
    OomScoreAdj: flags['oom-score-adj'],
    ...(changed.has('pids-limit') ? { PidsLimit: flags['pids-limit'] } : { PidsLimit: 0 }),
    Ulimits: orNull(flags.ulimit),
  };
}

function cdiRequests(devices: readonly string[]): DeviceRequest[] {
  const ids = devices.filter(isCdiDevice);
  return ids.length === 0 ? [] : [{ Driver: 'cdi', Count: 0, DeviceIDs: ids, Capabilities: null, Options: null }];
}

function logConfig(flags: ContainerFlagValues): HostConfig['LogConfig'] {
  const options = Object.fromEntries(
    flags['log-opt'].map((each) => cut(each, '=')).map(([key, value]) => [key, value ?? '']),
  );
  if (flags['log-driver'] === 'none' && flags['log-opt'].length > 0) {
    throw new Error('invalid logging opts for driver none');
  }
  return { Type: flags['log-driver'], Config: options };
}

function storageOptions(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((option) => {
      const [key, value] = cut(option, '=');
      if (value === undefined) throw new Error('invalid storage option');
      return [key, value];
    }),
  );
}

function healthConfig(flags: ContainerFlagValues): HealthConfig | undefined {
  const times = {
    Interval: flags['health-interval'],
    Timeout: flags['health-timeout'],
    StartPeriod: flags['health-start-period'],
    StartInterval: flags['health-start-interval'],
    Retries: flags['health-retries'] || undefined,
  };
  const given = flags['health-cmd'] !== '' || Object.values(times).some((value) => value !== undefined && value !== 0);
  if (flags['no-healthcheck']) {
    if (given) throw new Error('--no-healthcheck conflicts with --health-* options');
    return { Test: ['NONE'] };
  }
  if (!given) return undefined;
  const names = {
    Interval: 'interval',
    Timeout: 'timeout',
    StartPeriod: 'start-period',
    StartInterval: 'start-interval',
    Retries: 'retries',
  };
  for (const [key, name] of Object.entries(names) as [keyof typeof times, string][]) {
    if ((times[key] ?? 0) < 0) throw new Error(`--health-${name} cannot be negative`);
  }
  const set = Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined));
  return { ...(flags['health-cmd'] === '' ? {} : { Test: ['CMD-SHELL', flags['health-cmd']] }), ...set };
}

function withProxies(variables: string[], proxies: ReadonlyMap<string, string> = new Map()): string[] {
  const named = new Set(variables.map((variable) => cut(variable, '=')[0]));
  const added = [...proxies].filter(([name]) => !named.has(name)).map(([name, value]) => `${name}=${value}`);
  return [...variables, ...added];
}

const orNull = <T>(values: readonly T[]): T[] | null => (values.length === 0 ? null : [...values]);
