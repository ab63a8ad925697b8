import { readFile } from 'node:fs/promises';
import { KeyedQueue } from '../base/index.ts';
import { connect, disconnect, renameContainer } from './connect.ts';
import { createNetwork } from './create-network.ts';
import { checkEndpoint } from './endpoints.ts';
import { createNftablesFirewall } from './firewall/nftables-firewall.ts';
import { join } from './join.ts';
import { leave } from './leave.ts';
import type { Endpoint, EndpointRequest, Network, NetworkSpec, Sandbox, SandboxRequest } from './model.ts';
import { NameServer } from './names/name-server.ts';
import { NameTable } from './names/name-table.ts';
import { parseResolvConf } from './names/resolv-conf.ts';
import { PortTable, parsePortRange } from './ports.ts';
import { recover } from './recover.ts';
import { removeNetwork } from './remove-network.ts';
import { SandboxFiles } from './sandbox-files.ts';
import { describeNetwork, findNetwork, getNetwork, type NetworksOptions, type NetworksState } from './state.ts';

const PORT_RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range';

/** Networks, and containers' part in them. Disposing closes the engine's sockets only. */
export interface Networks extends AsyncDisposable {
  /** Must come first. `running`: the containers whose sandboxes to adopt; everything else of ours is removed. */
  recover(running: ReadonlySet<string>): Promise<ReadonlyMap<string, Sandbox>>;
  list(): readonly Network[];
  /** By id, name or unambiguous beginning of an id. Throws notFound. */
  get(idOrName: string): Network;
  find(idOrName: string): Network | undefined;
  create(spec: NetworkSpec): Promise<Network>;
  remove(idOrName: string): Promise<void>;
  /** Throws what `join` would throw about the endpoint's settings alone; for containers that do not run. */
  checkEndpoint(request: EndpointRequest): void;
  join(request: SandboxRequest): Promise<Sandbox>;
  /** Idempotent; goes on past errors. */
  leave(containerId: string): Promise<void>;
  connect(containerId: string, request: EndpointRequest): Promise<Endpoint>;
  disconnect(containerId: string, networkIdOrName: string): Promise<void>;
  renameContainer(containerId: string, name: string): Promise<void>;
  /** A container's sandbox as it is now; undefined if it has none. */
  sandbox(containerId: string): Sandbox | undefined;
  /** What `host-gateway` stands for in `--add-host`. */
  hostGateway(): string;
  /** Resolves when the kernel has removed all links of containers that left. */
  settled(): Promise<void>;
}

/** Prepares the networks; nothing is read or changed before `recover`. */
export async function openNetworks(options: NetworksOptions): Promise<Networks> {
  const names = new NameTable();
  const hostServers = async () => {
    const text = await readFile(options.resolvConf ?? '/etc/resolv.conf', 'utf8').catch(() => '');
    return parseResolvConf(text).nameservers;
  };
  const state: NetworksState = {
    options,
    files: new SandboxFiles(options.runDirectory),
    queue: new KeyedQueue(),
    firewall: createNftablesFirewall(),
    names,
    nameServer: new NameServer(names, hostServers, options.log),
    ports: new PortTable(parsePortRange(await readFile(PORT_RANGE_FILE, 'utf8'))),
    networks: new Map(),
    sandboxes: new Map(),
    background: new Set(),
    guardForwarding: false,
    bridgeNetfilter: false,
  };
  const settled = async () => void (await Promise.all(state.background));
  return {
    recover: (running) => recover(state, running),
    list: () => [...state.networks.values()].map(describeNetwork),
    get: (idOrName) => describeNetwork(getNetwork(state, idOrName)),
    find: (idOrName) => {
      const network = findNetwork(state, idOrName);
      return network === undefined ? undefined : describeNetwork(network);
    },
    create: (spec) => createNetwork(state, spec),
    remove: (idOrName) => removeNetwork(state, idOrName),
    checkEndpoint: (request) => checkEndpoint(getNetwork(state, request.network), request),
    join: (request) => join(state, request),
    leave: (containerId) => leave(state, containerId),
    connect: (containerId, request) => connect(state, containerId, request),
    disconnect: (containerId, network) => disconnect(state, containerId, network),
    renameContainer: (containerId, name) => renameContainer(state, containerId, name),
    sandbox: (containerId) => state.sandboxes.get(containerId)?.sandbox,
    hostGateway: () => findNetwork(state, 'bridge')?.document.bridge?.gateway ?? '',
    settled,
    [Symbol.asyncDispose]: async () => {
      await settled();
      await state.nameServer[Symbol.asyncDispose]();
      const descriptors = [...state.sandboxes.values()].flatMap(({ portSockets }) => portSockets);
      if (descriptors.length > 0) await options.kernel.run([{ op: 'close', descriptors }]);
    },
  };
}
