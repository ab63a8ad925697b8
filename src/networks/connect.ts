import { conflict, forbidden, systemError } from '../base/index.ts';
import { releasePorts } from './bind-ports.ts';
import { checkEndpoint, releaseEndpoint, takeEndpoint } from './endpoints.ts';
import { bindFor, chooseNamesPort, publishPorts, serveNames, surroundings } from './join.ts';
import { closePorts, removeLinks } from './leave.ts';
import type { Endpoint, EndpointRequest, Sandbox } from './model.ts';
import { linkOperations, namesOperations, routeOperations, runForSockets } from './sandbox-plan.ts';
import { chooseGateway, findNetwork, getNetwork, hasNames, type LiveSandbox, type NetworksState } from './state.ts';

/** Connects a running container to one more network. Throws dockerd's errors; nothing is left on failure. */
export async function connect(state: NetworksState, containerId: string, request: EndpointRequest): Promise<Endpoint> {
  return state.queue.run(containerId, async () => {
    const live = liveSandbox(state, containerId);
    const network = getNetwork(state, request.network);
    assertConnectable(live.sandbox, network.document.driver);
    checkEndpoint(network, request);
    await using undo = new AsyncDisposableStack();
    const endpoint = takeEndpoint(network, request, live.sandbox, freeInterfaceNumber(live.sandbox));
    undo.defer(() => releaseEndpoint(network, endpoint));
    const before = live.sandbox;
    const namesPort = before.namesPort ?? (hasNames(network.document) ? chooseNamesPort() : undefined);
    undo.defer(() => removeLinks(state, [endpoint]));
    const path = before.path ?? '';
    const named = { ...before, namesPort };
    const sockets = await runForSockets(state.options.kernel, [
      ...linkOperations(path, endpoint, surroundings(state)),
      ...(before.namesPort === undefined ? namesOperations(named, state.firewall) : []),
    ]);
    serveNames(state, named, sockets);
    await changeEndpoints(state, live, { ...named, endpoints: [...before.endpoints, endpoint] });
    undo.move();
    return endpoint;
  });
}

/** Disconnects a running container from a network. Throws dockerd's error if it is not on it. */
export async function disconnect(state: NetworksState, containerId: string, network: string): Promise<void> {
  await state.queue.run(containerId, async () => {
    const live = liveSandbox(state, containerId);
    const found = findNetwork(state, network);
    const endpoint = live.sandbox.endpoints.find(({ networkId }) => networkId === found?.document.id);
    if (found === undefined || endpoint === undefined) {
      throw systemError(`container ${containerId} is not connected to network ${found?.document.name ?? network}`);
    }
    if (found.document.driver === 'host') throw conflict('container cannot be disconnected from host network');
    const endpoints = live.sandbox.endpoints.filter((other) => other !== endpoint);
    await removeLinks(state, [endpoint]);
    await changeEndpoints(state, live, { ...live.sandbox, endpoints });
    releaseEndpoint(found, endpoint);
  });
}

/** Gives a container its new name on all its networks. */
export async function renameContainer(state: NetworksState, containerId: string, name: string): Promise<void> {
  await state.queue.run(containerId, async () => {
    const live = state.sandboxes.get(containerId);
    if (live === undefined) return;
    const { sandbox } = live;
    const endpoints = sandbox.endpoints.map((endpoint) => ({
      ...endpoint,
      dnsNames: endpoint.dnsNames.map((dnsName) => (dnsName === sandbox.containerName ? name : dnsName)),
    }));
    live.sandbox = { ...sandbox, containerName: name, endpoints };
    for (const endpoint of endpoints) {
      state.networks
        .get(endpoint.networkId)
        ?.members.set(endpoint.endpointId, { containerId, containerName: name, endpoint });
    }
    state.names.set(live.sandbox);
    await state.files.write(live.sandbox);
  });
}

/** Moves route and published ports to the endpoint that should have them now, and makes the change known. */
async function changeEndpoints(state: NetworksState, live: LiveSandbox, wanted: Sandbox): Promise<void> {
  const { kernel } = state.options;
  const before = live.sandbox;
  const gateway = chooseGateway(wanted.endpoints);
  live.sandbox = { ...wanted, gatewayNetworkId: gateway?.networkId };
  if (gateway?.networkId !== before.gatewayNetworkId) {
    await closePorts(state, before);
    await kernel.run(routeOperations(before.path ?? '', gateway));
    if (gateway === undefined) {
      await releasePorts(kernel, state.ports, { published: before.ports, sockets: live.portSockets });
      live.sandbox = { ...live.sandbox, ports: [] };
      live.portSockets = [];
    } else if (before.gatewayNetworkId === undefined) {
      const { containerName, portRequests } = wanted;
      const bound = await bindFor(state, { containerName, ports: portRequests }, gateway);
      live.sandbox = { ...live.sandbox, ports: bound.published };
      live.portSockets = bound.sockets;
    }
    await publishPorts(state, live.sandbox);
  }
  state.names.set(live.sandbox);
  await state.files.write(live.sandbox);
}

function liveSandbox(state: NetworksState, containerId: string): LiveSandbox {
  const live = state.sandboxes.get(containerId);
  if (live === undefined) throw conflict(`container ${containerId} is not running`);
  return live;
}

function assertConnectable(sandbox: Sandbox, driver: string): void {
  if (sandbox.path === undefined) {
    throw forbidden(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (driver === 'host') {
    throw forbidden('cannot connect container to host network - container must be created in host network mode');
  }
  if (driver === 'null' || sandbox.endpoints.some(({ interfaceName }) => interfaceName === '')) {
    throw forbidden(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  }
}

function freeInterfaceNumber({ endpoints }: Sandbox): number {
  const used = new Set(endpoints.map(({ interfaceName }) => interfaceName));
  let number = 0;
  while (used.has(`eth${number}`)) number += 1;
  return number;
}
