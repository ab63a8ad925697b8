import { join } from 'node:path';
import { readJsonFile, writeFileAtomic, ZERO_TIME } from '../base/index.ts';
import type {
  ContainerConfig,
  ContainerStateView,
  EndpointSettings,
  HostConfig,
  MountSpec,
  PortMap,
} from '../contract/docker/index.ts';
import { type ContainerMount, type ContainerRecord, NEVER_RUN } from './container.ts';
import { phaseOf, stateView } from './phase.ts';

/** `containers/<id>/config.v2.json`, field for field as dockerd 28 writes it. */
interface ConfigFile {
  StreamConfig: Record<string, never>;
  State: Omit<ContainerStateView, 'Status' | 'Health'> & { RemovalInProgress?: boolean; Health: null };
  ID: string;
  Created: string;
  Managed: boolean;
  Path: string;
  Args: string[];
  Config: ContainerConfig;
  Image: string;
  ImageManifest: null;
  NetworkSettings: {
    Bridge: string;
    SandboxID: string;
    SandboxKey: string;
    Networks: Record<string, EndpointSettings & { IPAMOperational: boolean; DesiredMacAddress: string }>;
    Ports: PortMap | null;
  };
  LogPath: string;
  Name: string;
  Driver: string;
  OS: string;
  ImagePlatform?: { architecture: string; os: string };
  RestartCount: number;
  HasBeenStartedBefore: boolean;
  HasBeenManuallyStopped: boolean;
  MountPoints: Record<string, MountPointFile>;
  HostnamePath: string;
  HostsPath: string;
  ResolvConfPath: string;
}

interface MountPointFile {
  Source?: string;
  Destination: string;
  RW: boolean;
  Name?: string;
  Driver?: string;
  Type: 'bind' | 'volume' | 'tmpfs';
  Relabel?: string;
  Propagation?: string;
  Spec: MountSpec;
  CopyData?: boolean;
  SkipMountpointCreation: boolean;
}

/** Which anonymous volumes go with the folder if the container's creation or removal breaks off. */
export const DOOMED_VOLUMES = 'gantry-doomed-volumes.json';

/** The end of the folder's name once the container is being removed. */
export const REMOVAL_SUFFIX = '-removing';

/** Where the files of one container are, below `containers/`. */
export interface ContainerFiles {
  readonly directory: string;
  readonly config: string;
  readonly hostConfig: string;
  readonly log: string;
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
  /** Where the tmpfs of a shareable /dev/shm is mounted. */
  readonly sharedMemory: string;
  readonly doomedVolumes: string;
}

/** The paths of a container's files; the one place that knows them. */
export function containerFiles(containersRoot: string, id: string): ContainerFiles {
  const directory = join(containersRoot, id);
  return {
    directory,
    config: join(directory, 'config.v2.json'),
    hostConfig: join(directory, 'hostconfig.json'),
    log: join(directory, `${id}-json.log`),
    hostname: join(directory, 'hostname'),
    hosts: join(directory, 'hosts'),
    resolvConf: join(directory, 'resolv.conf'),
    sharedMemory: join(directory, 'mounts', 'shm'),
    doomedVolumes: join(directory, DOOMED_VOLUMES),
  };
}

/** Writes both files of a new container; config.v2.json last, because its presence makes the container exist. */
export async function writeContainer(containersRoot: string, record: ContainerRecord): Promise<void> {
  const files = containerFiles(containersRoot, record.id);
  await writeFileAtomic(files.hostConfig, JSON.stringify(record.hostConfig));
  await writeState(containersRoot, record);
}

/** Writes what changes in a container's life. */
export async function writeState(containersRoot: string, record: ContainerRecord): Promise<void> {
  const files = containerFiles(containersRoot, record.id);
  await writeFileAtomic(files.config, JSON.stringify(toFile(record, files)));
}

/** The container stored in a folder, or undefined if its creation never finished. Throws if a file is broken. */
export async function readContainer(containersRoot: string, id: string): Promise<ContainerRecord | undefined> {
  const files = containerFiles(containersRoot, id);
  const config = await readJsonFile<ConfigFile>(files.config);
  const hostConfig = await readJsonFile<HostConfig>(files.hostConfig);
  return config && hostConfig ? fromFile(config, hostConfig) : undefined;
}

function toFile(record: ContainerRecord, files: ContainerFiles): ConfigFile {
  const { Status: _, Health: __, ...state } = stateView(record.phase, record.lastRun);
  return {
    StreamConfig: {},
    State: { ...state, RemovalInProgress: record.phase.name === 'removing', Health: null },
    ID: record.id,
    Created: record.created,
    Managed: false,
    Path: record.path,
    Args: [...record.arguments],
    Config: record.config,
    Image: record.imageId,
    ImageManifest: null,
    NetworkSettings: {
      Bridge: '',
      SandboxID: record.sandbox?.id ?? '',
      SandboxKey: record.sandbox?.path ?? '',
      Networks: Object.fromEntries(
        Object.entries(record.networks).map(([name, settings]) => [
          name,
          { ...settings, IPAMOperational: false, DesiredMacAddress: record.macAddresses[name] ?? '' },
        ]),
      ),
      Ports: record.sandbox?.ports ?? null,
    },
    LogPath: record.hostConfig.LogConfig.Type === 'json-file' ? files.log : '',
    Name: `/${record.name}`,
    Driver: 'overlay2',
    OS: record.platform.os,
    ImagePlatform: { ...record.platform },
    RestartCount: record.restartCount,
    HasBeenStartedBefore: record.startedBefore,
    HasBeenManuallyStopped: record.manuallyStopped,
    MountPoints: Object.fromEntries(record.mounts.map((mount) => [mount.destination, mountToFile(mount)])),
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    ResolvConfPath: files.resolvConf,
  };
}

function fromFile(file: ConfigFile, hostConfig: HostConfig): ContainerRecord {
  const networks = file.NetworkSettings?.Networks ?? {};
  return {
    id: file.ID,
    created: file.Created,
    path: file.Path,
    arguments: file.Args ?? [],
    config: file.Config,
    hostConfig,
    imageId: file.Image,
    platform: file.ImagePlatform ?? { architecture: '', os: file.OS },
    mounts: Object.values(file.MountPoints ?? {}).map(mountFromFile),
    name: file.Name.replace(/^\//, ''),
    networks: Object.fromEntries(
      Object.entries(networks).map(([name, { IPAMOperational: _, DesiredMacAddress: __, ...settings }]) => [
        name,
        settings,
      ]),
    ),
    macAddresses: Object.fromEntries(
      Object.entries(networks).flatMap(([name, { DesiredMacAddress: address }]) => (address ? [[name, address]] : [])),
    ),
    sandbox:
      file.NetworkSettings?.SandboxID === undefined || file.NetworkSettings.SandboxID === ''
        ? undefined
        : {
            id: file.NetworkSettings.SandboxID,
            path: file.NetworkSettings.SandboxKey,
            ports: file.NetworkSettings.Ports ?? {},
          },
    phase: phaseOf(file.State),
    lastRun: {
      startedAt: file.State.StartedAt ?? ZERO_TIME,
      finishedAt: file.State.FinishedAt ?? ZERO_TIME,
      exitCode: file.State.ExitCode ?? NEVER_RUN.exitCode,
      error: file.State.Error ?? '',
      oomKilled: file.State.OOMKilled ?? false,
    },
    restartCount: file.RestartCount,
    startedBefore: file.HasBeenStartedBefore,
    manuallyStopped: file.HasBeenManuallyStopped,
  };
}

function mountToFile(mount: ContainerMount): MountPointFile {
  return {
    Source: mount.source,
    Destination: mount.destination,
    RW: mount.writable,
    Name: mount.name,
    Driver: mount.driver,
    Type: mount.type,
    Relabel: mount.mode,
    Propagation: mount.propagation,
    Spec: mount.spec,
    CopyData: mount.copyData,
    SkipMountpointCreation: mount.sourceMustExist,
  };
}

/** A volume that the client did not name has no Source in its spec; dockerd tells anonymous volumes the same way. */
function mountFromFile(file: MountPointFile): ContainerMount {
  return {
    type: file.Type,
    destination: file.Destination,
    source: file.Source ?? '',
    name: file.Name ?? '',
    driver: file.Driver ?? '',
    writable: file.RW,
    mode: file.Relabel ?? '',
    propagation: file.Propagation ?? '',
    copyData: file.CopyData ?? true,
    anonymous: file.Type === 'volume' && (file.Spec.Source ?? '') === '',
    sourceMustExist: file.SkipMountpointCreation,
    tmpfsOptions: tmpfsOptions(file.Spec),
    spec: file.Spec,
  };
}

/** The mount options of a tmpfs given by `--mount type=tmpfs`. */
export function tmpfsOptions(spec: MountSpec): string {
  const { SizeBytes, Mode, Options } = spec.TmpfsOptions ?? {};
  return [
    ...(spec.ReadOnly === true ? ['ro'] : []),
    ...(Mode ? [`mode=${Mode.toString(8)}`] : []),
    ...(SizeBytes ? [`size=${SizeBytes}`] : []),
    ...(Options ?? []).map((option) => option.join('=')),
  ].join(',');
}
