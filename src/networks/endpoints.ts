import { randomBytes } from 'node:crypto';
import { forbidden, invalidParameter, newId } from '../base/index.ts';
import type { KernelOperation } from '../linux/index.ts';
import type { BridgeSettings, Endpoint, EndpointRequest } from './model.ts';
import { contains, formatIpv4, parseCidr, parseIpv4 } from './prefix.ts';
import { hasNames, isPredefined, type LiveNetwork } from './state.ts';

/** Half a byte per digit; `veth` and seven of them is what dockerd uses, and 11 of the 15 characters a link may have. */
const VETH_DIGITS = 7;
const MAC_PATTERN = /^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i;

/** Whom an endpoint is for. */
export interface EndpointOwner {
  readonly containerId: string;
  readonly containerName: string;
  readonly hostname: string;
}

/**
 * Throws dockerd's errors if the network cannot give what the request asks for.
 * @param prefix what dockerd puts before them at `docker run`; nothing at `network connect`
 */
export function checkEndpoint({ document }: LiveNetwork, request: EndpointRequest, prefix = ''): void {
  const { address = '', macAddress = '' } = request;
  if (macAddress !== '' && !MAC_PATTERN.test(macAddress)) {
    throw invalidParameter(`${prefix}invalid MAC address ${macAddress}`);
  }
  if (address === '') return;
  const problems: string[] = [];
  if (!hasNames(document)) problems.push('user specified IP address is supported on user defined networks only');
  const parsed = parseIpv4(address);
  if (parsed === undefined) problems.push(`invalid IPv4 address: ${address}`);
  const subnet = parseCidr(document.bridge?.subnet ?? '')?.prefix;
  if (document.bridge?.subnetChosen !== true || isPredefined(document)) {
    problems.push(
      'user specified IP address is supported only when connecting to networks with user configured subnets',
    );
  } else if (subnet === undefined || parsed === undefined || !contains(subnet, parsed)) {
    problems.push(`no configured subnet or ip-range contain the IP address ${address}`);
  }
  if (problems.length === 0) return;
  const list = problems.length === 1 ? problems : problems.map((problem) => `* ${problem}`);
  throw invalidParameter(`${prefix}invalid endpoint settings:\n${list.join('\n')}`);
}

/** Makes an endpoint on paper: takes its address and enters it among the network's members. Give it back with {@link releaseEndpoint}. */
export function takeEndpoint(
  network: LiveNetwork,
  request: EndpointRequest,
  owner: EndpointOwner,
  interfaceNumber: number,
): Endpoint {
  const { document, addresses, members } = network;
  if ([...members.values()].some(({ containerId }) => containerId === owner.containerId)) {
    throw forbidden(`endpoint with name ${owner.containerName} already exists in network ${document.name}`);
  }
  const common = {
    networkId: document.id,
    networkName: document.name,
    endpointId: newId(),
    gatewayPriority: request.gatewayPriority ?? 0,
  };
  const endpoint: Endpoint =
    document.bridge === undefined || addresses === undefined
      ? { ...common, ...NOWHERE }
      : { ...common, ...onBridge({ network, bridge: document.bridge, request, owner, interfaceNumber }) };
  members.set(endpoint.endpointId, {
    containerId: owner.containerId,
    containerName: owner.containerName,
    endpoint,
  });
  return endpoint;
}

/** The opposite of {@link takeEndpoint}; fine if the network is gone. */
export function releaseEndpoint(network: LiveNetwork | undefined, endpoint: Endpoint): void {
  if (network?.members.delete(endpoint.endpointId) !== true) return;
  const address = parseIpv4(endpoint.address);
  if (address !== undefined) network.addresses?.release(address);
}

/** What the owner is called on its networks: container name, aliases, short id, host name. */
export function namesFor(owner: EndpointOwner, aliases: readonly string[]): readonly string[] {
  return [...new Set([owner.containerName, ...aliases, owner.containerId.slice(0, 12), owner.hostname])];
}

/** The endpoint's link and its address in the sandbox, up. */
export function endpointOperations(
  namespace: string,
  endpoint: Endpoint,
  bridge: BridgeSettings,
  bridgeNetfilter: boolean,
): readonly KernelOperation[] {
  const { interfaceName: link, address, prefixLength, macAddress } = endpoint;
  return [
    {
      op: 'makeVethPair',
      name: endpoint.hostInterfaceName,
      bridge: bridge.name,
      mtu: bridge.mtu,
      // With br_netfilter a packet to a published port is translated inside the bridge and stays there: it may have to
      // leave by the port it came from, and the firewall, not the port, keeps neighbours apart.
      hairpin: bridgeNetfilter,
      isolated: !bridge.interContainer && !bridgeNetfilter,
      peer: { name: link, namespace, macAddress },
    },
    // An address of the same number may have had another hardware address before: tell the neighbours (arp_notify).
    { op: 'sysctl', key: `net/ipv4/conf/${link}/arp_notify`, value: '1', namespace },
    // No link-local address on a network without IPv6, as dockerd has it; a kernel may lack IPv6 altogether.
    { op: 'sysctl', key: `net/ipv6/conf/${link}/disable_ipv6`, value: '1', ignoreMissing: true, namespace },
    { op: 'addAddress', link, address, prefixLength, namespace },
    { op: 'configureLink', link, up: true, namespace },
  ];
}

const NOWHERE = {
  interfaceName: '',
  hostInterfaceName: '',
  address: '',
  prefixLength: 0,
  gateway: '',
  macAddress: '',
  dnsNames: [],
} as const;

interface Placement {
  readonly network: LiveNetwork;
  readonly bridge: BridgeSettings;
  readonly request: EndpointRequest;
  readonly owner: EndpointOwner;
  readonly interfaceNumber: number;
}

function onBridge({ network, bridge, request, owner, interfaceNumber }: Placement) {
  const { document, addresses } = network;
  const wanted = parseIpv4(request.address ?? '');
  const taken = wanted === undefined ? addresses?.takeAny() : addresses?.take(wanted);
  const address = formatIpv4(taken ?? 0);
  return {
    interfaceName: `eth${interfaceNumber}`,
    hostInterfaceName: `veth${randomBytes(4).toString('hex').slice(0, VETH_DIGITS)}`,
    address,
    prefixLength: parseCidr(bridge.subnet)?.prefix.length ?? 0,
    gateway: document.internal ? '' : bridge.gateway,
    macAddress: normalMac(request.macAddress) ?? macFor(address),
    dnsNames: hasNames(document) ? namesFor(owner, request.aliases ?? []) : [],
  };
}

function normalMac(macAddress: string | undefined): string | undefined {
  return macAddress === undefined || macAddress === '' ? undefined : macAddress.toLowerCase().replaceAll('-', ':');
}

/**
 * A hardware address made of the IP address, locally administered: the next container with that IP address has the same,
 * so that no neighbour's cache is ever wrong. (dockerd did so up to version 27.)
 */
export function macFor(address: string): string {
  const octets = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'));
  return ['02', '42', ...octets].join(':');
}
