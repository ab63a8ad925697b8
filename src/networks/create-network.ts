import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, forbidden, newId, writeFileAtomic } from '../base/index.ts';
import { AddressAllocator, assertSubnetFree, chooseSubnet, DEFAULT_ADDRESS_POOLS } from './address-pools.ts';
import { bridgeOperations, readHost } from './bridges.ts';
import type { BridgeSettings, Ipam, IpamConfig, Network, NetworkDocument, NetworkSpec } from './model.ts';
import { type BridgePlan, parseDriver, planBridge } from './network-settings.ts';
import { formatIpv4, formatPrefix, type Ipv4Prefix, parseCidr, parseIpv4 } from './prefix.ts';
import { applyFirewall, describeNetwork, firewallNetwork, type LiveNetwork, type NetworksState } from './state.ts';

/** Ethernet's: what dockerd gives bridges unless told otherwise. */
export const DEFAULT_MTU = 1500;

/** One queue for all changes of the list of networks: their subnets and names depend on each other. */
export const NETWORK_LIST = 'networks';

/** Makes a network. Throws dockerd's errors; nothing is left on failure. */
export async function createNetwork(state: NetworksState, spec: NetworkSpec): Promise<Network> {
  return state.queue.run(NETWORK_LIST, async () => {
    const driver = parseDriver(spec);
    const existing = [...state.networks.values()].map(({ document }) => document);
    if (existing.some(({ name }) => name === spec.name)) {
      throw conflict(`network with name ${spec.name} already exists`);
    }
    const id = newId();
    const plan = planBridge(id, spec, state.options.mtu ?? DEFAULT_MTU);
    const rival = existing.find(({ bridge }) => bridge?.name === plan.name);
    if (rival !== undefined) {
      throw forbidden(
        `cannot create network ${id} (${plan.name}): conflicts with network ${rival.id} (${plan.name}): networks have same bridge name`,
      );
    }
    const bridge = await settleAddresses(state, plan);
    const document: NetworkDocument = {
      schemaVersion: 1,
      id,
      name: spec.name,
      driver,
      created: state.options.timestamp(),
      internal: spec.internal ?? false,
      attachable: spec.attachable ?? false,
      enableIpv6: spec.enableIpv6 ?? false,
      ipam: describeIpam(spec, bridge),
      options: spec.options ?? {},
      labels: spec.labels ?? {},
      bridge,
    };
    await setUp(state, document, bridge);
    const live = openNetwork(state, document);
    announceNetwork(state, 'create', document);
    return describeNetwork(live);
  });
}

/** Where a network's document is. */
export function documentFile(state: NetworksState, id: string): string {
  return join(state.options.documents, `${id}.json`);
}

/** Writes a network's document. */
export function saveDocument(state: NetworksState, document: NetworkDocument): Promise<void> {
  return writeFileAtomic(documentFile(state, document.id), JSON.stringify(document));
}

/** Tells that a network came or went. */
export function announceNetwork(state: NetworksState, action: 'create' | 'destroy', document: NetworkDocument): void {
  const { id, name, driver } = document;
  state.options.events?.({ type: 'network', action, id, attributes: { name, type: driver } });
}

/** Enters a network among those that are there. */
export function openNetwork(state: NetworksState, document: NetworkDocument): LiveNetwork {
  const live = { document, addresses: allocatorFor(document.bridge), members: new Map() };
  state.networks.set(document.id, live);
  return live;
}

/** Subnets that a new network must not overlap: those of the networks, and with `host` all the host has routes to. */
export async function takenSubnets(state: NetworksState, host: boolean): Promise<readonly Ipv4Prefix[]> {
  const ours = [...state.networks.values()].flatMap(
    ({ document }) => parseCidr(document.bridge?.subnet ?? '')?.prefix ?? [],
  );
  if (!host) return ours;
  const { routes } = await readHost(state.options.kernel);
  return [...ours, ...routes];
}

async function settleAddresses(state: NetworksState, plan: BridgePlan): Promise<BridgeSettings> {
  const pools = state.options.addressPools ?? DEFAULT_ADDRESS_POOLS;
  if (plan.subnet !== undefined) assertSubnetFree(plan.subnet, await takenSubnets(state, false));
  const subnet = plan.subnet ?? chooseSubnet(pools, await takenSubnets(state, true));
  const gateway = plan.gateway ?? new AddressAllocator(subnet, plan.ipRange).takeAny();
  return {
    name: plan.name,
    subnet: formatPrefix(subnet),
    subnetChosen: plan.subnet !== undefined,
    ...(plan.ipRange === undefined ? {} : { ipRange: formatPrefix(plan.ipRange) }),
    gateway: formatIpv4(gateway),
    ...plan.settings,
  };
}

/** dockerd shows what was asked for, and what it chose only where nothing was. */
function describeIpam({ ipam }: NetworkSpec, { subnet, gateway }: BridgeSettings): Ipam {
  const asked = ipam?.config ?? [];
  const config: readonly IpamConfig[] = asked.length > 0 ? asked : [{ subnet, gateway }];
  return { driver: 'default', options: ipam?.options ?? null, config };
}

async function setUp(state: NetworksState, document: NetworkDocument, bridge: BridgeSettings): Promise<void> {
  const { kernel } = state.options;
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(documentFile(state, document.id), { force: true }));
  await saveDocument(state, document);
  const { links } = await readHost(kernel);
  const existing = links.find(({ name }) => name === bridge.name);
  if (existing === undefined)
    undo.defer(async () => void (await kernel.run([{ op: 'removeLink', link: bridge.name }])));
  await kernel.run(bridgeOperations(document.id, bridge, existing));
  await applyFirewall(state, state.firewall.addNetwork(firewallNetwork(document, bridge)));
  undo.move();
}

function allocatorFor(bridge: BridgeSettings | undefined): AddressAllocator | undefined {
  const subnet = parseCidr(bridge?.subnet ?? '')?.prefix;
  if (bridge === undefined || subnet === undefined) return undefined;
  const allocator = new AddressAllocator(subnet, parseCidr(bridge.ipRange ?? '')?.prefix);
  const gateway = parseIpv4(bridge.gateway);
  if (gateway !== undefined) allocator.take(gateway);
  return allocator;
}
