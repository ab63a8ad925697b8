import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidParameter, newId, readJsonFile, removeTemporaryFiles, runAll } from '../base/index.ts';
import type { LinkState } from '../linux/index.ts';
import { AddressAllocator, chooseSubnet, DEFAULT_ADDRESS_POOLS } from './address-pools.ts';
import { bindOperation } from './bind-ports.ts';
import { bridgeOperations, type HostNetwork, isOurBridge, readHost } from './bridges.ts';
import { DEFAULT_MTU, openNetwork, saveDocument, takenSubnets } from './create-network.ts';
import { chooseNamesPort, serveNames } from './join.ts';
import type { BridgeSettings, NetworkDocument, Sandbox } from './model.ts';
import { contains, formatIpv4, formatPrefix, type Ipv4Prefix, parseCidr, parseIpv4 } from './prefix.ts';
import { namesOperations, runForSockets } from './sandbox-plan.ts';
import { firewallState, type NetworksState } from './state.ts';
import { protectUserRules } from './user-rules.ts';

const SYSCTL = '/proc/sys/net';

/**
 * Brings kernel and files together at the engine's start: networks are there with their bridges, the sandboxes of running
 * containers are adopted without a gap in their traffic, and everything else of ours is removed. Resolves to the adopted
 * sandboxes by container id; a running container without one had none, or it was taken away from outside.
 */
export async function recover(
  state: NetworksState,
  running: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Sandbox>> {
  await prepareHost(state);
  await readDocuments(state);
  const host = await readHost(state.options.kernel);
  await makePredefined(state, host);
  await restoreBridges(state, host);
  const sandboxes = await state.files.readAll();
  for (const sandbox of sandboxes) if (running.has(sandbox.containerId)) await adopt(state, sandbox, host);
  // One transaction: packets see the rules of before or of now.
  await state.options.kernel.run(state.firewall.replace(firewallState(state)));
  await runAll(
    [
      () => removeStrayLinks(state, host),
      () => removeStrayNamespaces(state),
      ...sandboxes
        .filter(({ containerId }) => !state.sandboxes.has(containerId))
        .map(
          ({ containerId }) =>
            () =>
              state.files.remove(containerId),
        ),
      () => protectUserRules(state.options.kernel),
    ],
    'removing what is left of other sandboxes',
  ).catch((error) => state.options.log.error({ err: error }, 'network recovery was not complete'));
  return new Map([...state.sandboxes].map(([containerId, { sandbox }]) => [containerId, sandbox]));
}

async function prepareHost(state: NetworksState): Promise<void> {
  const { documents, runDirectory, kernel } = state.options;
  await mkdir(documents, { recursive: true, mode: 0o700 });
  await removeTemporaryFiles(documents);
  await state.files.prepare();
  const marker = join(runDirectory, 'forwarding');
  const forwards = (await readFile(`${SYSCTL}/ipv4/ip_forward`, 'utf8')).trim() === '1';
  if (!forwards) {
    // Remembered until the run directory goes, which is when the setting goes too: at the next boot.
    await writeFile(marker, '');
    await kernel.run([{ op: 'sysctl', key: 'net/ipv4/ip_forward', value: '1' }]);
  }
  state.guardForwarding = await exists(marker);
  const bridged = await readFile(`${SYSCTL}/bridge/bridge-nf-call-iptables`, 'utf8').catch(() => '0');
  state.bridgeNetfilter = bridged.trim() === '1';
}

async function readDocuments(state: NetworksState): Promise<void> {
  const { documents, log } = state.options;
  for (const name of await readdir(documents)) {
    if (!name.endsWith('.json')) continue;
    try {
      const document = await readJsonFile<NetworkDocument>(join(documents, name));
      if (document !== undefined) openNetwork(state, document);
    } catch (error) {
      log.error({ file: name, err: error }, 'a network document cannot be read: the network is left out');
    }
  }
}

async function makePredefined(state: NetworksState, host: HostNetwork): Promise<void> {
  const existing = new Map([...state.networks.values()].map(({ document }) => [document.name, document]));
  const drivers = { none: 'null', host: 'host' } as const;
  for (const [name, driver] of Object.entries(drivers)) {
    if (existing.has(name)) continue;
    const ipam = { driver: 'default', options: null, config: null };
    const document = { ...blankDocument(state, name), driver, ipam, options: {} };
    await saveDocument(state, document);
    openNetwork(state, document);
  }
  await makeDefaultBridge(state, existing.get('bridge'), host);
}

/** The default bridge follows the configuration of each start; its id and, without `bip`, its subnet stay. */
async function makeDefaultBridge(
  state: NetworksState,
  existing: NetworkDocument | undefined,
  host: HostNetwork,
): Promise<void> {
  const { bridgeName, bridgeAddress, mtu = DEFAULT_MTU, interContainer = true } = state.options;
  if (existing !== undefined) state.networks.delete(existing.id);
  const kept = bridgeAddress === undefined ? existing?.bridge : undefined;
  const place = kept ?? (await placeDefaultBridge(state, host));
  const bridge: BridgeSettings = {
    name: bridgeName,
    subnet: place.subnet,
    subnetChosen: false,
    gateway: place.gateway,
    mtu,
    interContainer,
    masquerade: true,
    hostBinding: '0.0.0.0',
  };
  const document: NetworkDocument = {
    ...(existing ?? blankDocument(state, 'bridge')),
    driver: 'bridge',
    ipam: { driver: 'default', options: null, config: [{ subnet: bridge.subnet, gateway: bridge.gateway }] },
    options: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': String(interContainer),
      'com.docker.network.bridge.enable_ip_masquerade': 'true',
      'com.docker.network.bridge.host_binding_ipv4': bridge.hostBinding,
      'com.docker.network.bridge.name': bridge.name,
      'com.docker.network.driver.mtu': String(mtu),
    },
    bridge,
  };
  if (JSON.stringify(document) !== JSON.stringify(existing)) await saveDocument(state, document);
  openNetwork(state, document);
}

async function placeDefaultBridge(
  state: NetworksState,
  host: HostNetwork,
): Promise<Pick<BridgeSettings, 'subnet' | 'gateway'>> {
  const { bridgeAddress, bridgeName, addressPools = DEFAULT_ADDRESS_POOLS } = state.options;
  if (bridgeAddress !== undefined) {
    const parsed = parseCidr(bridgeAddress);
    if (parsed === undefined) throw invalidParameter(`invalid CIDR address: ${bridgeAddress}`);
    return { subnet: formatPrefix(parsed.prefix), gateway: formatIpv4(parsed.address) };
  }
  // A bridge of that name with an address is from before: the route to it is no obstacle, its subnet is kept.
  const link = host.links.find(({ name }) => name === bridgeName);
  const address = host.addresses.find(({ linkIndex }) => linkIndex === link?.index);
  if (link !== undefined && address !== undefined) {
    const prefix = parseCidr(`${address.address}/${address.prefixLength}`)?.prefix;
    if (prefix !== undefined) return { subnet: formatPrefix(prefix), gateway: address.address };
  }
  const subnet: Ipv4Prefix = chooseSubnet(addressPools, await takenSubnets(state, true));
  return { subnet: formatPrefix(subnet), gateway: formatIpv4(new AddressAllocator(subnet).takeAny()) };
}

function blankDocument(state: NetworksState, name: string) {
  return {
    schemaVersion: 1,
    id: newId(),
    name,
    created: state.options.timestamp(),
    internal: false,
    attachable: false,
    enableIpv6: false,
    labels: {},
  } as const;
}

async function restoreBridges(state: NetworksState, host: HostNetwork): Promise<void> {
  const { kernel, log } = state.options;
  const byName = new Map(host.links.map((link) => [link.name, link]));
  const wanted = new Set<string>();
  for (const { document } of state.networks.values()) {
    const { bridge } = document;
    if (bridge === undefined) continue;
    wanted.add(bridge.name);
    const existing = byName.get(bridge.name);
    try {
      await removeOtherAddresses(state, bridge, existing, host);
      await kernel.run(bridgeOperations(document.id, bridge, existing));
    } catch (error) {
      log.error({ network: document.name, err: error }, 'a bridge could not be made');
    }
  }
  for (const link of host.links) {
    if (isOurBridge(link) && !wanted.has(link.name)) await kernel.run([{ op: 'removeLink', link: link.name }]);
  }
}

/** A changed `bip` must not leave the old address on the bridge. */
async function removeOtherAddresses(
  { options }: NetworksState,
  bridge: BridgeSettings,
  link: LinkState | undefined,
  { addresses }: HostNetwork,
): Promise<void> {
  if (link === undefined || !isOurBridge(link)) return;
  const others = addresses.filter(({ linkIndex, address }) => linkIndex === link.index && address !== bridge.gateway);
  await options.kernel.run(
    others.map(
      ({ address, prefixLength }) => ({ op: 'removeAddress', link: link.name, address, prefixLength }) as const,
    ),
  );
}

/** Takes a running container's sandbox over. What cannot be had again (a port that somebody took) is logged and left. */
async function adopt(state: NetworksState, sandbox: Sandbox, host: HostNetwork): Promise<void> {
  const { log } = state.options;
  const { containerId, endpoints } = sandbox;
  const links = new Set(host.links.map(({ name }) => name));
  const isWhole = endpoints.every(({ hostInterfaceName }) => hostInterfaceName === '' || links.has(hostInterfaceName));
  if (!isWhole) log.warn({ container: containerId }, 'links of a running container are gone');
  for (const endpoint of endpoints) {
    const network = state.networks.get(endpoint.networkId);
    const address = parseIpv4(endpoint.address);
    const subnet = parseCidr(network?.document.bridge?.subnet ?? '')?.prefix;
    if (address !== undefined && subnet !== undefined && contains(subnet, address)) network?.addresses?.take(address);
    network?.members.set(endpoint.endpointId, { containerId, containerName: sandbox.containerName, endpoint });
  }
  state.sandboxes.set(containerId, { sandbox, portSockets: await rebindPorts(state, sandbox) });
  await restoreNames(state, sandbox);
}

/** The ports stay the container's even if a program took the socket while no engine ran: the rules win over it. */
async function rebindPorts(state: NetworksState, sandbox: Sandbox): Promise<readonly number[]> {
  const sockets: number[] = [];
  for (const port of sandbox.ports) {
    try {
      state.ports.take(port);
      const [bound] = await state.options.kernel.run([bindOperation(port)]);
      sockets.push(bound.descriptor);
    } catch (error) {
      const { containerId } = sandbox;
      state.options.log.warn({ container: containerId, port, err: error }, 'a published port could not be bound again');
    }
  }
  return sockets;
}

/** The sockets ended with the engine that had them: new ones, on a new port, since the old may have been taken. */
async function restoreNames(state: NetworksState, sandbox: Sandbox): Promise<void> {
  state.names.set(sandbox);
  if (sandbox.namesPort === undefined || sandbox.path === undefined) return;
  const renewed = { ...sandbox, namesPort: chooseNamesPort() };
  try {
    const sockets = await runForSockets(state.options.kernel, namesOperations(renewed, state.firewall));
    serveNames(state, renewed, sockets);
    const live = state.sandboxes.get(sandbox.containerId);
    if (live !== undefined) live.sandbox = renewed;
    await state.files.write(renewed);
  } catch (error) {
    state.options.log.error({ container: sandbox.containerId, err: error }, 'names cannot be served');
  }
}

/** Every veth on our bridges belongs to a sandbox, from the moment it is made: the others are strays. */
async function removeStrayLinks(state: NetworksState, { links }: HostNetwork): Promise<void> {
  const bridges = new Set(links.filter(isOurBridge).map(({ index }) => index));
  const ours = new Set(
    [...state.sandboxes.values()].flatMap(({ sandbox }) => sandbox.endpoints.map((e) => e.hostInterfaceName)),
  );
  const strays = links.filter(
    ({ kind, master, name }) => kind === 'veth' && master !== undefined && bridges.has(master) && !ours.has(name),
  );
  await state.options.kernel.run(strays.map(({ name }) => ({ op: 'removeLink', link: name }) as const));
}

async function removeStrayNamespaces(state: NetworksState): Promise<void> {
  const ours = new Set([...state.sandboxes.values()].map(({ sandbox }) => sandbox.path));
  const strays = (await state.files.namespaces()).filter((path) => !ours.has(path));
  await state.options.kernel.run(strays.map((path) => ({ op: 'removeNamespace', path }) as const));
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
