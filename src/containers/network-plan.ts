import { isIP, isIPv6 } from 'node:net';
import { invalidParameter, isKind } from '../base/index.ts';
import type { ContainerConfig, EndpointSettings, HostConfig } from '../contract/docker/index.ts';
import type { EndpointRequest } from '../networks/index.ts';

/** Networks that share nothing with others, so that a container on one cannot be on another. */
const EXCLUSIVE_MODES = ['none', 'host'];

/** The network of containers that name none. */
const DEFAULT_NETWORK = 'bridge';

/** A new container's place in the networks. */
export interface NetworkPlan {
  /** By network name. */
  readonly endpoints: Record<string, EndpointSettings>;
  /** MAC addresses that the client chose, by network name. */
  readonly macAddresses: Record<string, string>;
}

/** What the plan asks about networks. */
export interface NetworkDirectory {
  find(idOrName: string): { readonly name: string; readonly predefined: boolean } | undefined;
  checkEndpoint(request: EndpointRequest): void;
}

/**
 * The networks a new container shall join: those the client described or, if it described none, the one of its
 * NetworkMode. Pure but for what it asks `networks`. Throws dockerd's invalidParameter errors.
 */
export function planNetworks(
  config: ContainerConfig,
  hostConfig: HostConfig,
  described: Readonly<Record<string, EndpointSettings>>,
  networks: NetworkDirectory,
): NetworkPlan {
  const mode = hostConfig.NetworkMode;
  if (mode.startsWith('container:') || config.NetworkDisabled === true) return { endpoints: {}, macAddresses: {} };
  const nameOf = (nameOrId: string) => networks.find(nameOrId)?.name ?? nameOrId;
  const main = nameOf(mode);
  const wanted = new Map(Object.entries(described).map(([name, settings]) => [nameOf(mainName(name)), settings]));
  if (wanted.size === 0) wanted.set(main, EMPTY_ENDPOINT);
  if (EXCLUSIVE_MODES.includes(mode) && [...wanted.keys()].some((name) => name !== main)) {
    throw invalidParameter(`container cannot be connected to both the ${mode} network and another`);
  }
  if (config.MacAddress && !EXCLUSIVE_MODES.includes(mode)) {
    wanted.set(main, withMacAddress(wanted.get(main) ?? EMPTY_ENDPOINT, config.MacAddress));
  }
  for (const [name, settings] of wanted) checkEndpoint(name, settings, networks);
  const chosen = [...wanted].filter(([, settings]) => settings.MacAddress !== '' && settings.MacAddress !== undefined);
  return {
    endpoints: Object.fromEntries([...wanted].map(([name, settings]) => [name, { ...EMPTY_ENDPOINT, ...settings }])),
    macAddresses: Object.fromEntries(chosen.map(([name, settings]) => [name, settings.MacAddress])),
  };
}

/** The docker CLI describes the endpoint of the default network by the mode's name. */
function mainName(name: string): string {
  return name === 'default' ? DEFAULT_NETWORK : name;
}

function withMacAddress(settings: EndpointSettings, macAddress: string): EndpointSettings {
  if (settings.MacAddress && settings.MacAddress !== macAddress) {
    throw invalidParameter(
      'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
    );
  }
  return { ...settings, MacAddress: macAddress };
}

/** A network that does not exist yet is found missing at the start only, so all that is checked then is the writing. */
function checkEndpoint(name: string, settings: EndpointSettings, networks: NetworkDirectory): void {
  const network = networks.find(name);
  const { IPv4Address: address, IPv6Address: address6 = '', LinkLocalIPs: linkLocal } = settings.IPAMConfig ?? {};
  const problems = [
    ...(network?.predefined === true && (settings.Aliases ?? []).length > 0
      ? ['network-scoped alias is supported only for containers in user defined networks']
      : []),
    ...(address6 !== '' && !isIPv6(address6) ? [`invalid IPv6 address: ${address6}`] : []),
    ...(linkLocal ?? []).filter((text) => isIP(text) === 0).map((text) => `invalid link-local IP address: ${text}`),
  ];
  if (problems.length > 0) {
    const list = problems.length === 1 ? problems : problems.map((problem) => `* ${problem}`);
    throw invalidParameter(`invalid config for network ${name}: invalid endpoint settings:\n${list.join('\n')}`);
  }
  if (network === undefined) return;
  try {
    networks.checkEndpoint({
      network: name,
      ...(address && { address }),
      ...(settings.MacAddress && { macAddress: settings.MacAddress }),
    });
  } catch (error) {
    if (!isKind(error, 'invalidParameter')) throw error;
    throw invalidParameter(`invalid config for network ${name}: ${error.message}`, { cause: error });
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
