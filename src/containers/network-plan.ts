import { invalidParameter } from '../base/index.ts';
import type { EndpointSettings, HostConfig } from '../contract/docker/index.ts';

/** Networks whose endpoint carries no address of its own. */
const SPECIAL_MODES = ['none', 'host'];

/**
 * The networks a new container shall join, by name: the one of its NetworkMode, and all that the client described.
 * Pure but for `resolve`, which throws notFound for an unknown network.
 */
export function planNetworks(
  hostConfig: HostConfig,
  endpoints: Readonly<Record<string, EndpointSettings>>,
  resolve: (nameOrId: string) => { readonly name: string; readonly id: string },
): Record<string, EndpointSettings> {
  const mode = hostConfig.NetworkMode;
  if (mode.startsWith('container:')) {
    if (Object.keys(hostConfig.PortBindings ?? {}).length > 0) {
      throw invalidParameter('conflicting options: port publishing and the container type network mode');
    }
    return {};
  }
  const wanted = new Map<string, EndpointSettings>();
  wanted.set(mode, endpoints[mode] ?? endpoints[mode === 'bridge' ? 'default' : mode] ?? EMPTY_ENDPOINT);
  for (const [name, settings] of Object.entries(endpoints)) {
    if (name !== 'default') wanted.set(name, settings);
  }
  if (wanted.size > 1 && SPECIAL_MODES.includes(mode)) {
    throw invalidParameter(`container cannot be connected to both the ${mode} network and another`);
  }
  const named = new Map<string, EndpointSettings>();
  for (const [name, settings] of wanted) {
    const network = resolveOrKeep(name, resolve);
    // A network given by its id in one place and by its name in another is one network.
    const previous = named.get(network);
    named.set(network, previous && settings === EMPTY_ENDPOINT ? previous : { ...EMPTY_ENDPOINT, ...settings });
  }
  return Object.fromEntries(named);
}

/** dockerd finds out about a missing network at the start only, so its name is kept as it is. */
function resolveOrKeep(name: string, resolve: (nameOrId: string) => { readonly name: string }): string {
  try {
    return resolve(name).name;
  } catch {
    return name;
  }
}

/** An endpoint as dockerd shows it while it has no sandbox. */
export const EMPTY_ENDPOINT: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '',
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};
