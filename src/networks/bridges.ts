import { systemError } from '../base/index.ts';
import type { AddressState, Kernel, KernelOperation, LinkState } from '../linux/index.ts';
import { macFor } from './endpoints.ts';
import type { BridgeSettings } from './model.ts';
import { type Ipv4Prefix, parseCidr, parseIpv4, prefixAround } from './prefix.ts';

/** Marks the bridges that are ours to remove, in the link's alias; the network's id follows. */
const ALIAS_PREFIX = 'gantry:';

/** The parts of the host's network that networks have to get along with. */
export interface HostNetwork {
  readonly links: readonly LinkState[];
  readonly addresses: readonly AddressState[];
  /** Where the host has routes to, the default route left out. */
  readonly routes: readonly Ipv4Prefix[];
}

/** Looks at the engine's own namespace. */
export async function readHost(kernel: Kernel): Promise<HostNetwork> {
  const [links, addresses, routes] = await kernel.run([
    { op: 'listLinks' },
    { op: 'listAddresses' },
    { op: 'listRoutes' },
  ]);
  return {
    links,
    addresses,
    routes: routes.map(({ address, prefixLength }) => prefixAround(parseIpv4(address) ?? 0, prefixLength)),
  };
}

/** True for bridges that we made. */
export function isOurBridge({ alias }: LinkState): boolean {
  return alias?.startsWith(ALIAS_PREFIX) === true;
}

/**
 * What makes a network's bridge as it shall be, whatever is there already. A bridge of that name that somebody else made
 * is used, as dockerd does; any other link of that name is an error.
 */
export function bridgeOperations(
  networkId: string,
  bridge: BridgeSettings,
  existing: LinkState | undefined,
): readonly KernelOperation[] {
  const { name, gateway, mtu, subnet } = bridge;
  if (existing !== undefined && existing.kind !== 'bridge') {
    throw systemError(`existing interface ${name} is not a bridge`);
  }
  // Without an address of its own a bridge takes its lowest port's, and changes it as ports come and go.
  const make = { op: 'makeBridge', name, macAddress: macFor(gateway), mtu } as const;
  // The address tells, too: the engine may have died before it could set the alias.
  const isOurs = existing === undefined || isOurBridge(existing) || existing.macAddress === make.macAddress;
  const prefixLength = parseCidr(subnet)?.prefix.length ?? 0;
  return [
    ...(existing === undefined ? [make] : []),
    // Answers to the host's 127.0.0.1 come back through the bridge; the firewall keeps everything else off the loopback.
    { op: 'sysctl', key: `net/ipv4/conf/${name}/route_localnet`, value: '1' },
    { op: 'addAddress', link: name, address: gateway, prefixLength },
    { op: 'configureLink', link: name, up: true, ...(isOurs ? { alias: `${ALIAS_PREFIX}${networkId}` } : {}) },
  ];
}
