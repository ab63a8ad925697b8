import type {
  ContainerConfig,
  ContainerCreateBody,
  DeviceMapping,
  DeviceRequest,
  EndpointIpamConfig,
  EndpointSettings,
  ExecConfig,
  ExecStartBody,
  HealthConfig,
  HostConfig,
  Ipam,
  IpamPool,
  LogConfig,
  MountSpec,
  NetworkCreateBody,
  PortBinding,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  VolumeCreateBody,
  WeightDevice,
} from '../../contract/docker/index.ts';
import {
  array,
  boolean,
  integer,
  integerOf,
  list,
  map,
  nullable,
  optional,
  type Shape,
  struct,
  text,
  words,
} from '../http/index.ts';

/** The request bodies of the Docker API, as {@link decode} reads them: field tables checked against the wire types. */

const set = map(struct<Record<string, never>>('struct {}', {}));

const health = struct<HealthConfig>('HealthConfig', {
  Test: optional(list(text)),
  Interval: optional(integer),
  Timeout: optional(integer),
  StartPeriod: optional(integer),
  StartInterval: optional(integer),
  Retries: optional(integer),
});

const configFields = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  ExposedPorts: optional(set),
  Tty: boolean,
  OpenStdin: boolean,
  StdinOnce: boolean,
  Env: list(text),
  Cmd: words,
  Healthcheck: optional(health),
  ArgsEscaped: optional(boolean),
  Image: text,
  Volumes: set,
  WorkingDir: text,
  Entrypoint: words,
  NetworkDisabled: optional(boolean),
  MacAddress: optional(text),
  OnBuild: list(text),
  Labels: map(text),
  StopSignal: optional(text),
  StopTimeout: optional(integer),
  Shell: optional(words),
} as const satisfies { [K in keyof Required<ContainerConfig>]: Shape };

const throttle = list(struct<ThrottleDevice>('ThrottleDevice', { Path: text, Rate: integer }));

const mountSpec = struct<MountSpec>('Mount', {
  Type: text,
  Source: optional(text),
  Target: text,
  ReadOnly: optional(boolean),
  Consistency: optional(text),
  BindOptions: optional(
    struct<NonNullable<MountSpec['BindOptions']>>('BindOptions', {
      Propagation: optional(text),
      NonRecursive: optional(boolean),
      CreateMountpoint: optional(boolean),
      ReadOnlyNonRecursive: optional(boolean),
      ReadOnlyForceRecursive: optional(boolean),
    }),
  ),
  VolumeOptions: optional(
    struct<NonNullable<MountSpec['VolumeOptions']>>('VolumeOptions', {
      NoCopy: optional(boolean),
      Labels: optional(map(text)),
      DriverConfig: optional(
        struct<{ Name?: string; Options?: Record<string, string> }>('Driver', {
          Name: optional(text),
          Options: optional(map(text)),
        }),
      ),
      Subpath: optional(text),
    }),
  ),
  TmpfsOptions: optional(
    struct<NonNullable<MountSpec['TmpfsOptions']>>('TmpfsOptions', {
      SizeBytes: optional(integer),
      Mode: optional(integer),
      Options: optional(list(list(text))),
    }),
  ),
  ImageOptions: optional(struct<{ Subpath?: string }>('ImageOptions', { Subpath: optional(text) })),
});

const portMap = map(list(struct<PortBinding>('PortBinding', { HostIp: text, HostPort: text })));

const hostConfig = struct<HostConfig>('HostConfig', {
  Binds: list(text),
  ContainerIDFile: text,
  LogConfig: struct<LogConfig>('LogConfig', { Type: text, Config: map(text) }),
  NetworkMode: text,
  PortBindings: portMap,
  RestartPolicy: struct<RestartPolicy>('RestartPolicy', { Name: text, MaximumRetryCount: integer }),
  AutoRemove: boolean,
  VolumeDriver: text,
  VolumesFrom: list(text),
  ConsoleSize: array(integerOf('uint'), 2),
  Annotations: optional(map(text)),
  CapAdd: words,
  CapDrop: words,
  CgroupnsMode: text,
  Dns: list(text),
  DnsOptions: list(text),
  DnsSearch: list(text),
  ExtraHosts: list(text),
  GroupAdd: list(text),
  IpcMode: text,
  Cgroup: text,
  Links: list(text),
  OomScoreAdj: integer,
  PidMode: text,
  Privileged: boolean,
  PublishAllPorts: boolean,
  ReadonlyRootfs: boolean,
  SecurityOpt: list(text),
  StorageOpt: optional(map(text)),
  Tmpfs: optional(map(text)),
  UTSMode: text,
  UsernsMode: text,
  ShmSize: integer,
  Sysctls: optional(map(text)),
  Runtime: text,
  Isolation: text,
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: integerOf('uint16'),
  BlkioWeightDevice: list(struct<WeightDevice>('WeightDevice', { Path: text, Weight: integerOf('uint16') })),
  BlkioDeviceReadBps: throttle,
  BlkioDeviceWriteBps: throttle,
  BlkioDeviceReadIOps: throttle,
  BlkioDeviceWriteIOps: throttle,
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: list(
    struct<DeviceMapping>('DeviceMapping', { PathOnHost: text, PathInContainer: text, CgroupPermissions: text }),
  ),
  DeviceCgroupRules: list(text),
  DeviceRequests: list(
    struct<DeviceRequest>('DeviceRequest', {
      Driver: text,
      Count: integer,
      DeviceIDs: list(text),
      Capabilities: list(list(text)),
      Options: map(text),
    }),
  ),
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: nullable(integer),
  OomKillDisable: nullable(boolean),
  PidsLimit: nullable(integer),
  Ulimits: list(struct<Ulimit>('Ulimit', { Name: text, Soft: integer, Hard: integer })),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: integer,
  IOMaximumBandwidth: integer,
  Mounts: optional(list(mountSpec)),
  MaskedPaths: list(text),
  ReadonlyPaths: list(text),
  Init: optional(boolean),
});

const endpointSettings = struct<EndpointSettings>('EndpointSettings', {
  IPAMConfig: nullable(
    struct<EndpointIpamConfig>('EndpointIPAMConfig', {
      IPv4Address: optional(text),
      IPv6Address: optional(text),
      LinkLocalIPs: optional(list(text)),
    }),
  ),
  Links: list(text),
  Aliases: list(text),
  MacAddress: text,
  DriverOpts: map(text),
  GwPriority: integer,
  NetworkID: text,
  EndpointID: text,
  Gateway: text,
  IPAddress: text,
  IPPrefixLen: integer,
  IPv6Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: integer,
  DNSNames: list(text),
});

/** `POST /containers/create`. */
export const containerCreate = struct<ContainerCreateBody>('CreateRequest', {
  ...configFields,
  HostConfig: hostConfig,
  NetworkingConfig: optional(
    struct<NonNullable<ContainerCreateBody['NetworkingConfig']>>('NetworkingConfig', {
      EndpointsConfig: optional(map(nullable(endpointSettings))),
    }),
  ),
});

/** A {@link containerCreate} body once decoded: every field has its zero value at least. */
export type DecodedContainerCreate = ContainerConfig & {
  HostConfig: HostConfig;
  NetworkingConfig?: { EndpointsConfig?: Record<string, EndpointSettings | null> };
};

const consoleSize = optional(array(integerOf('uint'), 2));

/** `POST /containers/{id}/exec`. */
export const execCreate = struct<ExecConfig>('ExecOptions', {
  AttachStdin: optional(boolean),
  AttachStdout: optional(boolean),
  AttachStderr: optional(boolean),
  ConsoleSize: consoleSize,
  DetachKeys: optional(text),
  Tty: optional(boolean),
  Env: optional(list(text)),
  Cmd: optional(words),
  Privileged: optional(boolean),
  User: optional(text),
  WorkingDir: optional(text),
  Detach: optional(boolean),
});

/** `POST /exec/{id}/start`. */
export const execStart = struct<ExecStartBody>('ExecStartOptions', {
  Detach: optional(boolean),
  Tty: optional(boolean),
  ConsoleSize: consoleSize,
});

/** `POST /networks/create`. */
export const networkCreate = struct<NetworkCreateBody>('CreateRequest', {
  Name: text,
  Driver: optional(text),
  Scope: optional(text),
  Internal: optional(boolean),
  Attachable: optional(boolean),
  Ingress: optional(boolean),
  EnableIPv4: optional(boolean),
  EnableIPv6: optional(boolean),
  IPAM: optional(
    struct<Ipam>('IPAM', {
      Driver: text,
      Options: map(text),
      Config: list(
        struct<IpamPool>('IPAMConfig', {
          Subnet: optional(text),
          IPRange: optional(text),
          Gateway: optional(text),
          AuxiliaryAddresses: optional(map(text)),
        }),
      ),
    }),
  ),
  Options: optional(map(text)),
  Labels: optional(map(text)),
});

/** `POST /networks/{id}/connect`. */
export interface NetworkConnectBody {
  Container: string;
  EndpointConfig?: EndpointSettings;
}

export const networkConnect = struct<NetworkConnectBody>('ConnectRequest', {
  Container: text,
  EndpointConfig: optional(endpointSettings),
});

/** `POST /networks/{id}/disconnect`. */
export interface NetworkDisconnectBody {
  Container: string;
  Force: boolean;
}

export const networkDisconnect = struct<NetworkDisconnectBody>('DisconnectRequest', {
  Container: text,
  Force: boolean,
});

/** `POST /volumes/create`. */
export const volumeCreate = struct<VolumeCreateBody>('CreateOptions', {
  Name: optional(text),
  Driver: optional(text),
  DriverOpts: optional(map(text)),
  Labels: optional(map(text)),
});

/** The X-Registry-Auth header's JSON. */
export interface RegistryAuth {
  username: string;
  password: string;
  auth: string;
  serveraddress: string;
  identitytoken: string;
  registrytoken: string;
}

export const registryAuth = struct<RegistryAuth>('AuthConfig', {
  username: text,
  password: text,
  auth: text,
  serveraddress: text,
  identitytoken: text,
  registrytoken: text,
});
