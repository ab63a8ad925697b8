import { invalidParameter, type KeyedQueue, type Log, notFound } from '../base/index.ts';
import type { Kernel, KernelOperation } from '../linux/index.ts';
import type { AddressAllocator, AddressPool } from './address-pools.ts';
import type { Firewall, FirewallNetwork, FirewallPort, FirewallState } from './firewall/firewall.ts';
import type { BridgeSettings, Endpoint, Network, NetworkDocument, Sandbox } from './model.ts';
import type { NameServer } from './names/name-server.ts';
import type { NameTable } from './names/name-table.ts';
import { PREDEFINED_NETWORKS } from './network-settings.ts';
import type { PortTable } from './ports.ts';
import type { SandboxFiles } from './sandbox-files.ts';

/** What is announced of a network. */
export interface NetworkHappening {
  readonly type: 'network';
  readonly action: 'create' | 'destroy';
  /** The network's. */
  readonly id: string;
  readonly attributes: Readonly<Record<'name' | 'type', string>>;
}

/** What the engine tells the networks at start. */
export interface NetworksOptions {
  /** `<data root>/network`: one document per network. */
  readonly documents: string;
  /** The run directory: `netns/` and `sandboxes/` are made in it. */
  readonly runDirectory: string;
  readonly kernel: Kernel;
  readonly log: Log;
  /** RFC 3339 with nanoseconds. */
  readonly timestamp: () => string;
  /** The default bridge's link, `gantry0` unless configured. */
  readonly bridgeName: string;
  /** daemon.json's `bip`: the default bridge's address and prefix length. */
  readonly bridgeAddress?: string;
  readonly addressPools?: readonly AddressPool[];
  readonly mtu?: number;
  /** daemon.json's `icc`: may containers on the default bridge talk to each other? Yes unless false. */
  readonly interContainer?: boolean;
  /** Is told when a network was made or removed. */
  readonly events?: (happening: NetworkHappening) => void;
  /** The host's servers' file; /etc/resolv.conf without it. */
  readonly resolvConf?: string;
}

/** A network with what is going on in it. */
export interface LiveNetwork {
  readonly document: NetworkDocument;
  /** Present for bridges. */
  readonly addresses: AddressAllocator | undefined;
  /** By endpoint id. */
  readonly members: Map<string, Member>;
}

export interface Member {
  readonly containerId: string;
  containerName: string;
  readonly endpoint: Endpoint;
}

/** A sandbox with what the engine holds for it. */
export interface LiveSandbox {
  sandbox: Sandbox;
  /** Bound sockets that keep others from the published host ports. */
  portSockets: readonly number[];
}

/** All that the verbs share. The maps are a cache of the files and the kernel; `recover` fills them. */
export interface NetworksState {
  readonly options: NetworksOptions;
  readonly files: SandboxFiles;
  readonly queue: KeyedQueue;
  readonly firewall: Firewall;
  readonly names: NameTable;
  readonly nameServer: NameServer;
  readonly ports: PortTable;
  /** By id. */
  readonly networks: Map<string, LiveNetwork>;
  /** By container id. */
  readonly sandboxes: Map<string, LiveSandbox>;
  /** Link removals under way. */
  readonly background: Set<Promise<void>>;
  guardForwarding: boolean;
  /** Bridged packets pass the firewall (br_netfilter), so that a port must be able to send to itself. */
  bridgeNetfilter: boolean;
}

/** The network, or undefined: by id, name, or the only id with that beginning. */
export function findNetwork({ networks }: NetworksState, idOrName: string): LiveNetwork | undefined {
  const all = [...networks.values()];
  const exact = networks.get(idOrName) ?? all.find(({ document }) => document.name === idOrName);
  if (exact !== undefined || idOrName === '') return exact;
  const matches = all.filter(({ document }) => document.id.startsWith(idOrName));
  if (matches.length > 1) {
    throw invalidParameter(`network ${idOrName} is ambiguous (${matches.length} matches found on ID prefix)`);
  }
  return matches[0];
}

/** Like {@link findNetwork}, but throws as dockerd does. */
export function getNetwork(state: NetworksState, idOrName: string): LiveNetwork {
  const network = findNetwork(state, idOrName);
  if (network === undefined) throw notFound(`network ${idOrName} not found`);
  return network;
}

/** The network as others see it. */
export function describeNetwork({ document, members }: LiveNetwork): Network {
  return {
    ...document,
    predefined: isPredefined(document),
    members: [...members.values()].map(({ containerId, containerName, endpoint }) => ({
      containerId,
      name: containerName,
      endpointId: endpoint.endpointId,
      macAddress: endpoint.macAddress,
      ipv4Address: endpoint.address === '' ? '' : `${endpoint.address}/${endpoint.prefixLength}`,
    })),
  };
}

export function isPredefined({ name }: Pick<NetworkDocument, 'name'>): boolean {
  return PREDEFINED_NETWORKS.includes(name);
}

/** Containers on it find each other by name: every bridge but the default one. */
export function hasNames(document: NetworkDocument): boolean {
  return document.driver === 'bridge' && !isPredefined(document);
}

/** The endpoint that gets the default route: the highest priority, then the first network name. */
export function chooseGateway(endpoints: readonly Endpoint[]): Endpoint | undefined {
  return endpoints
    .filter(({ gateway }) => gateway !== '')
    .toSorted((a, b) => b.gatewayPriority - a.gatewayPriority || (a.networkName < b.networkName ? -1 : 1))[0];
}

export function firewallNetwork({ id, internal }: NetworkDocument, bridge: BridgeSettings): FirewallNetwork {
  const { name, subnet, interContainer, masquerade } = bridge;
  return { id, bridge: name, subnet, internal, interContainer, masquerade };
}

/** A sandbox's published ports as the firewall needs them. */
export function firewallPorts({ ports, endpoints, gatewayNetworkId }: Sandbox): readonly FirewallPort[] {
  const address = endpoints.find(({ networkId }) => networkId === gatewayNetworkId)?.address;
  if (address === undefined) return [];
  return ports.map((port) => ({ ...port, address }));
}

/** Everything the firewall should be doing now. */
export function firewallState(state: NetworksState): FirewallState {
  return {
    networks: [...state.networks.values()].flatMap(({ document }) =>
      document.bridge === undefined ? [] : [firewallNetwork(document, document.bridge)],
    ),
    ports: [...state.sandboxes.values()].flatMap(({ sandbox }) => firewallPorts(sandbox)),
    guardForwarding: state.guardForwarding,
  };
}

/**
 * Applies a change of the firewall. If the rules are not what we left (somebody flushed them), everything is put up
 * again instead; the state must already be as it shall be.
 */
export async function applyFirewall(state: NetworksState, change: readonly KernelOperation[]): Promise<void> {
  if (change.length === 0) return;
  const { kernel, log } = state.options;
  try {
    await kernel.run(change);
  } catch (error) {
    log.warn({ err: error }, 'the firewall rules were changed from outside: putting them up again');
    await kernel.run(state.firewall.replace(firewallState(state)));
  }
}
