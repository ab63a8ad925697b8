import { invalidParameter } from '../base/index.ts';
import type { ContainerConfig, HostConfig, PortMap } from '../contract/docker/index.ts';
import type { PortRequest, PublishedPort } from '../networks/index.ts';

const LAST_PORT = 65535;

/**
 * The ports to publish, from `-p` and, with `-P`, from what is exposed. As with dockerd, a binding of a port that is
 * not exposed does nothing (`-p` exposes too). Throws invalidParameter.
 */
export function planPorts(config: ContainerConfig, hostConfig: HostConfig): PortRequest[] {
  const exposed = new Set(Object.keys(config.ExposedPorts ?? {}).map(withProtocol));
  const bound = Object.entries(hostConfig.PortBindings ?? {}).filter(([key]) => exposed.has(withProtocol(key)));
  const explicit = bound.flatMap(([key, bindings]) => {
    const port = parsePort(key);
    const wanted = bindings === null || bindings.length === 0 ? [{ HostIp: '', HostPort: '' }] : bindings;
    return wanted.map((binding) => ({ ...port, hostIp: binding.HostIp, ...parseHostPort(binding.HostPort) }));
  });
  if (!hostConfig.PublishAllPorts) return explicit;
  const all = Object.keys(config.ExposedPorts ?? {})
    .filter((key) => !bound.some(([other]) => withProtocol(other) === withProtocol(key)))
    .map((key) => ({ ...parsePort(key), hostIp: '', hostPort: 0 }));
  return [...explicit, ...all];
}

/** Docker's map of published ports, with null for those only exposed. */
export function portMap(config: ContainerConfig, published: readonly PublishedPort[]): PortMap {
  const result: PortMap = Object.fromEntries(Object.keys(config.ExposedPorts ?? {}).map((key) => [key, null]));
  for (const port of published) {
    const key = `${port.containerPort}/${port.protocol}`;
    result[key] = [...(result[key] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }];
  }
  return result;
}

/** A key of ExposedPorts or PortBindings in full: tcp is what a bare number means. */
function withProtocol(key: string): string {
  return key.includes('/') ? key : `${key}/tcp`;
}

function parsePort(key: string): Pick<PortRequest, 'containerPort' | 'protocol'> {
  const [number = '', protocol = 'tcp'] = key.split('/');
  const containerPort = Number(number);
  if (!/^\d+$/.test(number) || containerPort < 1 || containerPort > LAST_PORT) {
    throw invalidParameter(`invalid port specification: "${key}"`);
  }
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw invalidParameter(`invalid port specification: "${key}": unknown protocol ${protocol}`);
  }
  return { containerPort, protocol };
}

/** `8080`, `8000-8010` (the first free one), or nothing for any port. */
function parseHostPort(text: string): Pick<PortRequest, 'hostPort' | 'hostPortEnd'> {
  if (text === '') return { hostPort: 0 };
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (!match || first > LAST_PORT || last > LAST_PORT || last < first) {
    throw invalidParameter(`invalid port specification: "${text}"`);
  }
  return { hostPort: first, ...(last > first && { hostPortEnd: last }) };
}
