import { randomInt } from 'node:crypto';
import { conflict, EngineError, messageOf, newId } from '../base/index.ts';
import type { BoundSocket } from '../linux/index.ts';
import { type BoundPorts, bindPorts, releasePorts } from './bind-ports.ts';
import { checkEndpoint, releaseEndpoint, takeEndpoint } from './endpoints.ts';
import { closePorts, dismantle } from './leave.ts';
import type { Endpoint, PortRequest, Sandbox, SandboxRequest } from './model.ts';
import { ANY_ADDRESS, DEFAULT_EPHEMERAL_PORTS } from './ports.ts';
import { runForSockets, type SandboxSurroundings, sandboxOperations } from './sandbox-plan.ts';
import {
  applyFirewall,
  chooseGateway,
  firewallPorts,
  getNetwork,
  hasNames,
  type LiveNetwork,
  type NetworksState,
} from './state.ts';

/**
 * Makes a container's sandbox: namespace, links, addresses, routes, published ports, names. Whatever fails, nothing of it
 * is left. Throws dockerd's errors.
 */
export async function join(state: NetworksState, request: SandboxRequest): Promise<Sandbox> {
  return state.queue.run(request.containerId, () => joinNow(state, request));
}

async function joinNow(state: NetworksState, request: SandboxRequest): Promise<Sandbox> {
  if (state.sandboxes.has(request.containerId)) {
    throw conflict(`container ${request.containerId} already has a sandbox`);
  }
  await using undo = new AsyncDisposableStack();
  const networks = request.endpoints.map((endpoint) => getNetwork(state, endpoint.network));
  const endpoints = takeEndpoints(request, networks, undo);
  const gateway = chooseGateway(endpoints);
  const bound = await bindFor(state, request, gateway);
  undo.defer(() => releasePorts(state.options.kernel, state.ports, bound));
  const sandbox = describeSandbox(state, request, { networks, endpoints, gateway, bound });
  const live = { sandbox, portSockets: bound.sockets };
  state.sandboxes.set(request.containerId, live);
  undo.defer(() => void state.sandboxes.delete(request.containerId));
  undo.defer(() => state.files.remove(request.containerId));
  // The file is for the next start of the engine only, which takes a sandbox without a running container for a stray:
  // it need not be there before the effects.
  const steps = await Promise.allSettled([state.files.write(sandbox), build(state, sandbox, undo)]);
  for (const step of steps) if (step.status === 'rejected') throw step.reason;
  undo.move();
  return sandbox;
}

/** Takes and binds the requested ports for the endpoint that has the default route; none without one. */
export async function bindFor(
  state: NetworksState,
  request: Pick<SandboxRequest, 'containerName'> & { readonly ports: readonly PortRequest[] },
  gateway: Endpoint | undefined,
): Promise<BoundPorts> {
  if (gateway === undefined || request.ports.length === 0) return { published: [], sockets: [] };
  const hostBinding = state.networks.get(gateway.networkId)?.document.bridge?.hostBinding ?? ANY_ADDRESS;
  const ports = request.ports.map((port) => ({ ...port, hostIp: hostAddress(port.hostIp, hostBinding) }));
  try {
    return await bindPorts(state.options.kernel, state.ports, ports, gateway.address);
  } catch (error) {
    const where = `endpoint ${request.containerName} (${gateway.endpointId})`;
    const kind = error instanceof EngineError ? error.kind : 'system';
    throw new EngineError(kind, `driver failed programming external connectivity on ${where}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What the plans of sandboxes depend on. */
export function surroundings(state: NetworksState): SandboxSurroundings {
  return {
    firewall: state.firewall,
    bridgeOf: (networkId) => state.networks.get(networkId)?.document.bridge,
    bridgeNetfilter: state.bridgeNetfilter,
  };
}

/** Begins to answer a sandbox's questions on the sockets that {@link runForSockets} gave; nothing without them. */
export function serveNames(state: NetworksState, sandbox: Sandbox, [udp, tcp]: readonly BoundSocket[]): void {
  if (udp === undefined || tcp === undefined) return;
  state.nameServer.serve(sandbox.id, { udp: udp.descriptor, tcp: tcp.descriptor });
}

/** Any port will do in a namespace whose only process is us; a random one keeps containers from counting on it. */
export function chooseNamesPort(): number {
  return randomInt(DEFAULT_EPHEMERAL_PORTS.first, DEFAULT_EPHEMERAL_PORTS.last + 1);
}

/** Opens the published ports of a sandbox. Connections from before must not keep UDP from reaching it. */
export async function publishPorts(state: NetworksState, sandbox: Sandbox): Promise<void> {
  const ports = firewallPorts(sandbox);
  await applyFirewall(state, state.firewall.publish(ports));
  const stale = ports.filter(({ protocol }) => protocol === 'udp');
  if (stale.length === 0) return;
  await state.options.kernel.run(
    stale.map(({ hostPort }) => ({ op: 'flushConntrack', protocol: 'udp', originalPort: hostPort }) as const),
  );
}

function takeEndpoints(
  request: SandboxRequest,
  networks: readonly LiveNetwork[],
  undo: AsyncDisposableStack,
): readonly Endpoint[] {
  return request.endpoints.map((endpointRequest, index) => {
    const network = networks[index];
    if (network === undefined) throw new Error('an endpoint without its network');
    checkEndpoint(network, endpointRequest, `invalid config for network ${network.document.name}: `);
    const endpoint = takeEndpoint(network, endpointRequest, request, index);
    undo.defer(() => releaseEndpoint(network, endpoint));
    return endpoint;
  });
}

interface SandboxParts {
  readonly networks: readonly LiveNetwork[];
  readonly endpoints: readonly Endpoint[];
  readonly gateway: Endpoint | undefined;
  readonly bound: BoundPorts;
}

function describeSandbox(
  state: NetworksState,
  request: SandboxRequest,
  { networks, endpoints, gateway, bound }: SandboxParts,
): Sandbox {
  const { containerId, containerName, hostname, dnsServers, ports } = request;
  const id = newId();
  const onHost = networks.some(({ document }) => document.driver === 'host');
  return {
    id,
    containerId,
    containerName,
    hostname,
    path: onHost ? undefined : state.files.namespaceOf(id),
    endpoints,
    gatewayNetworkId: gateway?.networkId,
    ports: bound.published,
    portRequests: ports,
    dnsServers,
    namesPort: networks.some(({ document }) => hasNames(document)) ? chooseNamesPort() : undefined,
  };
}

async function build(state: NetworksState, sandbox: Sandbox, undo: AsyncDisposableStack): Promise<void> {
  const { kernel } = state.options;
  undo.defer(() => {
    state.sandboxes.delete(sandbox.containerId);
    state.nameServer.stop(sandbox.id);
    state.names.delete(sandbox.id);
  });
  state.names.set(sandbox);
  undo.defer(() => tolerate(state, () => dismantle(state, sandbox)));
  serveNames(state, sandbox, await runForSockets(kernel, sandboxOperations(sandbox, surroundings(state))));
  if (sandbox.ports.length === 0) return;
  undo.defer(() => tolerate(state, () => closePorts(state, sandbox)));
  await publishPorts(state, sandbox);
}

/** Undoing goes on past its own failures: the error that made it necessary is the one to tell. */
async function tolerate(state: NetworksState, step: () => Promise<void>): Promise<void> {
  await step().catch((error) => state.options.log.error({ err: error }, 'a half-made sandbox was not removed whole'));
}

function hostAddress(hostIp: string, hostBinding: string): string {
  // Until networks have IPv6, the IPv6 wildcard means what it means to an IPv4 client.
  return hostIp === '' || hostIp === '::' ? hostBinding : hostIp;
}
