import { invalidParameter } from '../base/index.ts';
import type { ContainerConfig } from '../contract/docker/index.ts';

/**
 * The client's configuration with what it left open taken from the image (moby `daemon/commit.go`, merge): the
 * client's command replaces the image's, environment and labels are merged by name, volumes and ports are joined.
 */
export function mergeImageConfig(client: ContainerConfig, image: Partial<ContainerConfig>): ContainerConfig {
  const keepImageEntrypoint = client.Entrypoint === null;
  const keepImageCommand = (client.Entrypoint ?? []).length === 0 && (client.Cmd ?? []).length === 0;
  const entrypoint = keepImageEntrypoint ? (image.Entrypoint ?? null) : client.Entrypoint;
  return {
    ...client,
    User: client.User || (image.User ?? ''),
    ...exposedPorts(client, image),
    Env: mergeEnvironment(client.Env, image.Env ?? null),
    Cmd: keepImageCommand ? (image.Cmd ?? null) : client.Cmd,
    // `--entrypoint ""` arrives as [""] and means none.
    Entrypoint: entrypoint?.length === 1 && entrypoint[0] === '' ? null : entrypoint,
    WorkingDir: client.WorkingDir || (image.WorkingDir ?? ''),
    Volumes: joined(client.Volumes, image.Volumes ?? null),
    Labels: { ...image.Labels, ...client.Labels },
    ...stopSignal(client, image),
    ...healthcheck(client, image),
    ...(image.Shell && client.Shell === undefined && { Shell: image.Shell }),
  };
}

/** The program and arguments of the first process; throws dockerd's error if there is none. */
export function commandOf(config: ContainerConfig): { path: string; arguments: string[] } {
  const [path, ...rest] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (path === undefined) throw invalidParameter('no command specified');
  return { path, arguments: rest };
}

function mergeEnvironment(client: string[] | null, image: string[] | null): string[] | null {
  if (image === null) return client;
  const nameOf = (entry: string) => entry.split('=', 1)[0];
  const given = new Set((client ?? []).map(nameOf));
  return [...(client ?? []), ...image.filter((entry) => !given.has(nameOf(entry)))];
}

function joined<T>(client: Record<string, T> | null, image: Record<string, T> | null): Record<string, T> | null {
  return client === null && image === null ? null : { ...image, ...client };
}

function exposedPorts(client: ContainerConfig, image: Partial<ContainerConfig>): Pick<ContainerConfig, 'ExposedPorts'> {
  const ports = { ...image.ExposedPorts, ...client.ExposedPorts };
  return Object.keys(ports).length > 0 ? { ExposedPorts: ports } : {};
}

function stopSignal(client: ContainerConfig, image: Partial<ContainerConfig>): Pick<ContainerConfig, 'StopSignal'> {
  const signal = client.StopSignal || image.StopSignal;
  return signal ? { StopSignal: signal } : {};
}

function healthcheck(client: ContainerConfig, image: Partial<ContainerConfig>): Pick<ContainerConfig, 'Healthcheck'> {
  if (!image.Healthcheck) return client.Healthcheck ? { Healthcheck: client.Healthcheck } : {};
  if (!client.Healthcheck) return { Healthcheck: image.Healthcheck };
  const given = Object.entries(client.Healthcheck).filter(([, value]) => value !== 0 && value !== undefined);
  return { Healthcheck: { ...image.Healthcheck, ...Object.fromEntries(given) } };
}
