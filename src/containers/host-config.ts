import type { ContainerConfig, HostConfig } from '../contract/docker/index.ts';
import type { CgroupAbilities } from '../linux/index.ts';
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS } from '../runtime/index.ts';
import { validateHostConfig } from './validate-host-config.ts';
import { resolveMode, validateModes } from './validate-modes.ts';

const DEFAULT_SHM_BYTES = 64 << 20;

/** What SELinux hosts do to a container that shares processes or IPC with the host; dockerd writes it down everywhere. */
const NO_LABEL = 'label=disable';

/** What the defaults and checks depend on. */
export interface HostLimits {
  readonly cpuCount: number;
  readonly cgroupVersion: 1 | 2;
  readonly cgroups: CgroupAbilities;
  /** Capabilities that the engine can hand on, one bit each. */
  readonly capabilities: bigint;
  readonly defaultRuntime: string;
  readonly runtimes: readonly string[];
}

/** A HostConfig as it is stored, and what the client should know about it. */
export interface CompletedHostConfig {
  readonly hostConfig: HostConfig;
  readonly warnings: readonly string[];
}

/**
 * The client's HostConfig as dockerd stores it: checked, with defaults filled in. Throws dockerd's errors.
 * @param config the client's configuration, before anything of the image's is in it
 * @param findContainer the container of an id or name, for `container:…` modes
 */
export function completeHostConfig(
  config: ContainerConfig,
  client: HostConfig,
  limits: HostLimits,
  findContainer: (idOrName: string) => { id: string } | undefined,
): CompletedHostConfig {
  validateModes(config, client);
  validateHostConfig(client, limits);
  const { settings, warnings } = withoutUnsupported(client, limits);
  const hostConfig: HostConfig = {
    ...settings,
    LogConfig: {
      Type: client.LogConfig.Type || 'json-file',
      Config: client.LogConfig.Config ?? {},
    },
    NetworkMode: networkMode(client.NetworkMode, findContainer),
    RestartPolicy: { ...client.RestartPolicy, Name: client.RestartPolicy.Name || 'no' },
    CgroupnsMode: client.CgroupnsMode || defaultCgroupNamespace(client, limits),
    IpcMode: resolveMode(client.IpcMode || 'private', findContainer),
    PidMode: resolveMode(client.PidMode, findContainer),
    SecurityOpt: client.SecurityOpt ?? (sharesWithHost(client) ? [NO_LABEL] : null),
    ShmSize: client.ShmSize || DEFAULT_SHM_BYTES,
    Runtime: client.Runtime || limits.defaultRuntime,
    MemorySwap: client.Memory > 0 && client.MemorySwap === 0 ? client.Memory * 2 : client.MemorySwap,
    MemorySwappiness: client.MemorySwappiness === -1 ? null : client.MemorySwappiness,
    // Docker: 0 and below mean no limit.
    PidsLimit: (client.PidsLimit ?? 0) > 0 ? client.PidsLimit : null,
    ...paths(client),
  };
  return { hostConfig, warnings };
}

/** Drops what this kernel, or Linux, does not have, and says so. */
function withoutUnsupported(
  client: HostConfig,
  limits: HostLimits,
): { settings: HostConfig; warnings: readonly string[] } {
  const { cgroups, cgroupVersion } = limits;
  const discarded = (ability: string, option: string) =>
    `Your kernel does not support ${ability} or the cgroup is not mounted. ${option} discarded.`;
  const hasDevices = (client.BlkioWeightDevice ?? []).length > 0;
  const cases: readonly (readonly [applies: boolean, warning: string, settings: Partial<HostConfig>])[] = [
    [
      client.OomKillDisable === true && cgroupVersion === 1 && client.Memory === 0,
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
      {},
    ],
    [
      client.OomKillDisable === true && cgroupVersion === 2,
      'Your kernel does not support OomKillDisable. OomKillDisable discarded.',
      {},
    ],
    [client.BlkioWeight > 0 && !cgroups.blockIoWeight, discarded('Block I/O weight', 'Weight'), { BlkioWeight: 0 }],
    [
      hasDevices && !cgroups.blockIoWeightDevice,
      discarded('Block I/O weight_device', 'Weight-device'),
      { BlkioWeightDevice: [] },
    ],
    [client.CpuPercent > 0, 'linux does not support CPU percent. Percent discarded.', { CpuPercent: 0 }],
    [
      client.NetworkMode === 'host' && Object.keys(client.PortBindings ?? {}).length > 0,
      'Published ports are discarded when using host network mode',
      {},
    ],
  ];
  const applying = cases.filter(([applies]) => applies);
  return {
    settings: Object.assign(
      { ...client, OomKillDisable: cgroupVersion === 2 ? null : (client.OomKillDisable ?? false) },
      ...applying.map(([, , settings]) => settings),
    ),
    warnings: applying.map(([, warning]) => warning),
  };
}

/** A container whose network is joined may be made later; where it exists, its id is kept instead of its name. */
function networkMode(mode: string, findContainer: (idOrName: string) => { id: string } | undefined): string {
  if (mode === '' || mode === 'default') return 'bridge';
  const name = /^container:(.+)$/.exec(mode)?.[1];
  const found = name === undefined ? undefined : findContainer(name);
  return found === undefined ? mode : `container:${found.id}`;
}

function sharesWithHost(client: HostConfig): boolean {
  return client.Privileged || client.IpcMode === 'host' || client.PidMode === 'host';
}

function defaultCgroupNamespace(client: HostConfig, limits: HostLimits): 'private' | 'host' {
  return limits.cgroupVersion === 2 && !client.Privileged ? 'private' : 'host';
}

function paths(client: HostConfig): Pick<HostConfig, 'MaskedPaths' | 'ReadonlyPaths'> {
  const chosen = (given: string[] | null, defaults: readonly string[]) =>
    given ?? (client.Privileged ? null : [...defaults]);
  return {
    MaskedPaths: chosen(client.MaskedPaths, DEFAULT_MASKED_PATHS),
    ReadonlyPaths: chosen(client.ReadonlyPaths, DEFAULT_READONLY_PATHS),
  };
}
