/** `--network`, in its short and its long form, and the flags that describe the first network. */

import type { EndpointSettings } from '../../contract/docker/index.ts';
import { checkMacAddress } from './addresses.ts';
import { notAPair, splitFields } from './csv.ts';
import { cut } from './flag.ts';

/** One network a container shall be attached to. */
export interface NetworkAttachment {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly linkLocalIps: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly macAddress?: string | undefined;
  readonly gatewayPriority?: number | undefined;
}

const plainAttachment = (target: string): NetworkAttachment => ({
  target,
  aliases: [],
  links: [],
  linkLocalIps: [],
  driverOptions: {},
});

/** Understands one `--network` value: a name, or `name=…,alias=…,ip=…`. */
export function parseNetwork(given: string): NetworkAttachment {
  if (!given.includes('=')) return plainAttachment(given);
  let result = plainAttachment('');
  for (const field of splitFields(given)) {
    if (field.value === undefined) throw notAPair(field);
    result = withField(result, field.key, field.value);
  }
  if (result.target === '') throw new Error('network name/id is not specified');
  return result;
}

function withField(draft: NetworkAttachment, key: string, value: string): NetworkAttachment {
  switch (key) {
    case 'name':
      return { ...draft, target: value };
    case 'alias':
      return { ...draft, aliases: [...draft.aliases, value] };
    case 'driver-opt': {
      const [name, rest] = cut(value, '=');
      if (rest === undefined) throw new Error('invalid key value pair format in driver options');
      return { ...draft, driverOptions: { ...draft.driverOptions, [name.toLowerCase()]: rest } };
    }
    case 'ip':
      return { ...draft, ipv4: value };
    case 'ip6':
      return { ...draft, ipv6: value };
    case 'mac-address':
      return { ...draft, macAddress: value };
    case 'link-local-ip':
      return { ...draft, linkLocalIps: [...draft.linkLocalIps, value] };
    case 'gw-priority':
      if (!/^-?\d+$/.test(value)) throw new Error(`invalid gw-priority (${value}): invalid syntax`);
      return { ...draft, gatewayPriority: Number(value) };
    default:
      throw new Error(`invalid field key ${key}`);
  }
}

/** Flags that stand beside `--network` and belong to the first one. */
export interface FirstNetworkFlags {
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly linkLocalIps: readonly string[];
  readonly ipv4: string;
  readonly ipv6: string;
  readonly macAddress: string;
}

/** The network mode and the endpoints of a container. */
export interface NetworkPlan {
  readonly mode: string;
  readonly endpoints: Record<string, Partial<EndpointSettings>>;
}

/** True for networks somebody has created; the others are modes (docker's IsUserDefined). */
function isUserDefined(name: string): boolean {
  return !['default', 'bridge', 'host', 'none'].includes(name) && !name.startsWith('container:');
}

/** Puts `--network`s and the flags beside them together. Throws docker's texts for what does not fit. */
export function planNetworks(networks: readonly NetworkAttachment[], first: FirstNetworkFlags): NetworkPlan {
  const all = networks.length === 0 ? [plainAttachment('default')] : networks;
  const endpoints: Record<string, Partial<EndpointSettings>> = {};
  for (const [index, network] of all.entries()) {
    const attachment = index === 0 ? withFirstFlags(network, first) : network;
    checkAttachment(attachment);
    if (Object.hasOwn(endpoints, attachment.target)) {
      throw new Error(`network ${JSON.stringify(attachment.target)} is specified multiple times`);
    }
    endpoints[attachment.target] = endpointSettings(attachment);
  }
  const userDefined = all.filter((network) => isUserDefined(network.target)).length;
  if (userDefined > 0 && userDefined < all.length) {
    throw new Error('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  }
  return { mode: all[0]?.target ?? 'default', endpoints };
}

function withFirstFlags(network: NetworkAttachment, first: FirstNetworkFlags): NetworkAttachment {
  const conflicts: [boolean, string][] = [
    [network.aliases.length > 0 && first.aliases.length > 0, '--network-alias and per-network alias'],
    [network.ipv4 !== undefined && first.ipv4 !== '', '--ip and per-network IPv4 address'],
    [network.ipv6 !== undefined && first.ipv6 !== '', '--ip6 and per-network IPv6 address'],
    [network.macAddress !== undefined && first.macAddress !== '', '--mac-address and per-network MAC address'],
    [
      network.linkLocalIps.length > 0 && first.linkLocalIps.length > 0,
      '--link-local-ip and per-network link-local IP addresses',
    ],
  ];
  for (const [conflicting, what] of conflicts) {
    if (conflicting) throw new Error(`conflicting options: cannot specify both ${what}`);
  }
  return {
    ...network,
    aliases: [...network.aliases, ...first.aliases],
    // On the default bridge links are the container's, not the endpoint's (HostConfig.Links).
    links: isUserDefined(network.target) ? first.links : [],
    linkLocalIps: [...network.linkLocalIps, ...first.linkLocalIps],
    ipv4: network.ipv4 ?? (first.ipv4 || undefined),
    ipv6: network.ipv6 ?? (first.ipv6 || undefined),
    macAddress: network.macAddress ?? (first.macAddress || undefined),
  };
}

function checkAttachment(network: NetworkAttachment): void {
  if (network.target.trim() === '') throw new Error('no name set for network');
  if (network.aliases.length > 0 && !isUserDefined(network.target)) {
    throw new Error('network-scoped aliases are only supported for user-defined networks');
  }
  if (network.macAddress !== undefined) checkMacAddress(network.macAddress);
}

function endpointSettings(network: NetworkAttachment): Partial<EndpointSettings> {
  const ipam = {
    ...(network.ipv4 === undefined ? {} : { IPv4Address: network.ipv4 }),
    ...(network.ipv6 === undefined ? {} : { IPv6Address: network.ipv6 }),
    ...(network.linkLocalIps.length === 0 ? {} : { LinkLocalIPs: [...network.linkLocalIps] }),
  };
  return {
    ...(Object.keys(network.driverOptions).length === 0 ? {} : { DriverOpts: { ...network.driverOptions } }),
    ...(network.links.length === 0 ? {} : { Links: [...network.links] }),
    ...(network.aliases.length === 0 ? {} : { Aliases: [...network.aliases] }),
    ...(Object.keys(ipam).length === 0 ? {} : { IPAMConfig: ipam }),
    ...(network.macAddress === undefined ? {} : { MacAddress: network.macAddress }),
    ...(network.gatewayPriority === undefined ? {} : { GwPriority: network.gatewayPriority }),
  };
}
