import type { ContainerInspect, NetworkSettings } from '../contract/docker/index.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { mountPoint } from './mounts.ts';
import { stateView } from './phase.ts';
import { containerFiles } from './state-files.ts';

/** Everything `docker inspect` shows of a container. Throws notFound. */
export async function inspectContainer(
  context: ContainerContext,
  idOrName: string,
  options: { size: boolean },
): Promise<ContainerInspect> {
  const container = context.store.get(idOrName);
  const { record } = container;
  const files = containerFiles(context.directories.containers, container.id);
  const started = record.startedBefore;
  const execs = [...container.execs.values()].filter((exec) => exec.state.name !== 'ended').map((exec) => exec.id);
  return {
    Id: container.id,
    Created: record.created,
    Path: record.path,
    Args: [...record.arguments],
    State: stateView(record.phase, record.lastRun),
    Image: record.imageId,
    ResolvConfPath: started ? files.resolvConf : '',
    HostnamePath: started ? files.hostname : '',
    HostsPath: started ? files.hosts : '',
    LogPath: started && record.hostConfig.LogConfig.Type === 'json-file' ? files.log : '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: record.platform.os,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execs.length > 0 ? execs : null,
    HostConfig: record.hostConfig,
    GraphDriver: { Data: context.layers.graphDriverData(container.id), Name: 'overlay2' },
    ...(options.size && (await containerSizes(context, container))),
    Mounts: record.mounts.map(mountPoint),
    Config: record.config,
    NetworkSettings: networkSettings(container),
  };
}

/** `SizeRw` and `SizeRootFs`: what the container wrote, and that with its image. */
export async function containerSizes(
  context: ContainerContext,
  container: Container,
): Promise<Pick<ContainerInspect, 'SizeRw' | 'SizeRootFs'>> {
  const { rw, image } = await context.layers.sizes(container.id);
  return { SizeRw: rw, SizeRootFs: rw + image };
}

/** The endpoint of the default bridge is also shown at the top level, where clients of old look for it. */
function networkSettings(container: Container): NetworkSettings {
  const { networks, sandbox } = container.record;
  const bridge = networks.bridge;
  return {
    Bridge: '',
    SandboxID: sandbox?.id ?? '',
    SandboxKey: sandbox?.path ?? '',
    Ports: sandbox?.ports ?? {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks: networks,
  };
}
