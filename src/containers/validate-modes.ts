import { invalidParameter } from '../base/index.ts';
import type { ContainerConfig, HostConfig } from '../contract/docker/index.ts';
import { refuseFirst } from './refuse-first.ts';

const OTHER_CONTAINER = 'container:';

/**
 * Throws invalidParameter for namespace modes that do not exist, and for options that the network mode rules out.
 * @param config as the client sent it: what the image says conflicts with nothing
 */
export function validateModes(config: ContainerConfig, client: HostConfig): void {
  validateNetworkMode(config, client);
  const isOneOf = (mode: string, words: readonly string[]) =>
    words.includes(mode) || (mode.startsWith(OTHER_CONTAINER) && mode !== OTHER_CONTAINER);
  refuseFirst([
    [!isOneOf(client.IpcMode, ['', 'none', 'private', 'shareable', 'host']), `invalid IPC mode: ${client.IpcMode}`],
    [!isOneOf(client.PidMode, ['', 'host']), `invalid PID mode: ${client.PidMode}`],
    [!['', 'host'].includes(client.UTSMode), `invalid UTS mode: ${client.UTSMode}`],
    [!['', 'host', 'private'].includes(client.CgroupnsMode), `invalid cgroup namespace mode: ${client.CgroupnsMode}`],
    [
      !['', 'default'].includes(client.Isolation.toLowerCase()),
      `invalid isolation (${client.Isolation}): linux only supports 'default'`,
    ],
  ]);
}

function validateNetworkMode(config: ContainerConfig, client: HostConfig): void {
  const mode = client.NetworkMode;
  const joins = mode.startsWith(OTHER_CONTAINER);
  const isFilled = (value: object | null | undefined) => Object.keys(value ?? {}).length > 0;
  const undefinedBehavior = "can't be used with links. This would result in undefined behavior";
  const conflict = (what: string) => `conflicting options: ${what} and the network mode`;
  const conflictWithContainer = (what: string) => `conflicting options: ${what} and the container type network mode`;
  refuseFirst([
    [mode === OTHER_CONTAINER, 'invalid network mode: invalid container format container:<name|id>'],
    [joins && config.Hostname !== '', conflict('hostname')],
    [client.UTSMode === 'host' && config.Hostname !== '', 'conflicting options: hostname and the UTS mode'],
    [mode === 'host' && isFilled(client.Links), `conflicting options: host type networking ${undefinedBehavior}`],
    [joins && isFilled(client.Links), `conflicting options: container type network ${undefinedBehavior}`],
    [joins && isFilled(client.Dns), conflict('dns')],
    [joins && isFilled(client.ExtraHosts), conflict('custom host-to-IP mapping')],
    [joins && (isFilled(client.PortBindings) || client.PublishAllPorts), conflictWithContainer('port publishing')],
    [joins && isFilled(config.ExposedPorts), conflictWithContainer('port exposing')],
  ]);
}

/** The mode with another container's full id in place of its name. Throws invalidParameter if there is no such container. */
export function resolveMode(mode: string, findContainer: (idOrName: string) => { id: string } | undefined): string {
  if (!mode.startsWith(OTHER_CONTAINER)) return mode;
  const name = mode.slice(OTHER_CONTAINER.length);
  const found = findContainer(name);
  if (found === undefined) throw invalidParameter(`No such container: ${name}`);
  return `${OTHER_CONTAINER}${found.id}`;
}
