import { conflict, forbidden, invalidParameter, notFound, systemError } from '../base/index.ts';
import type { EndpointSettings } from '../contract/docker/index.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { rememberSandbox } from './launch.ts';
import { writeNetworkFiles } from './network-files.ts';
import { EMPTY_ENDPOINT } from './network-plan.ts';
import { writeState } from './state-files.ts';

/** Puts a container on one more network: at once if it runs, else from its next start on. */
export async function connectContainer(
  context: ContainerContext,
  networkName: string,
  containerName: string,
  settings: EndpointSettings | undefined,
): Promise<void> {
  const container = getContainer(context, containerName);
  const network = context.networks.get(networkName);
  await context.queue.run(container.id, async () => {
    const { record } = container;
    requireNotDoomed(container);
    requireConnectable(container, network);
    const endpoint = { ...EMPTY_ENDPOINT, ...settings };
    const address = endpoint.IPAMConfig?.IPv4Address;
    const request = {
      network: network.id,
      aliases: endpoint.Aliases ?? [],
      ...(address && { address }),
      ...(endpoint.MacAddress && { macAddress: endpoint.MacAddress }),
      gatewayPriority: endpoint.GwPriority,
    };
    if (container.phase.name === 'running') await context.networks.connect(container.id, request);
    else context.networks.checkEndpoint(request);
    record.networks[network.name] = endpoint;
    if (endpoint.MacAddress !== '') record.macAddresses[network.name] = endpoint.MacAddress;
    await update(context, container);
    announceNetwork(context, container, network, 'connect');
  });
}

/** Takes a container off a network. */
export async function disconnectContainer(
  context: ContainerContext,
  networkName: string,
  containerName: string,
  force: boolean,
): Promise<void> {
  const network = context.networks.get(networkName);
  // Forced, dockerd looks for an endpoint of that name only.
  if (force && context.store.find(containerName) === undefined) throw notFound(`endpoint ${containerName} not found`);
  const container = getContainer(context, containerName);
  await context.queue.run(container.id, async () => {
    const { record } = container;
    const isRunning = container.phase.name === 'running';
    requireNotDoomed(container);
    if (record.networks[network.name] === undefined) {
      const article = isRunning ? '' : 'the ';
      throw systemError(`container ${container.id} is not connected to ${article}network ${network.name}`);
    }
    if (isRunning && network.driver === 'host') {
      throw invalidParameter(
        'cannot disconnect container from host network - container was created in host network mode',
      );
    }
    if (isRunning) await context.networks.disconnect(container.id, network.id);
    delete record.networks[network.name];
    delete record.macAddresses[network.name];
    await update(context, container);
    announceNetwork(context, container, network, 'disconnect');
  });
}

function getContainer(context: ContainerContext, idOrName: string): Container {
  if (idOrName === '') throw invalidParameter('invalid name or ID supplied: ""');
  return context.store.get(idOrName);
}

function requireNotDoomed({ id, phase }: Container): void {
  if (phase.name !== 'removing' && phase.name !== 'dead') return;
  throw conflict(`container ${id} is marked for removal and cannot be connected or disconnected to the network`);
}

/** Throws dockerd's errors, in dockerd's order, if the container cannot be on the network beside those it is on. */
function requireConnectable({ record, phase }: Container, network: { name: string; driver: string }): void {
  const { networks, hostConfig, name } = record;
  if (networks[network.name] !== undefined) {
    // Of a container that does not run the settings are replaced.
    if (phase.name !== 'running') return;
    throw forbidden(`endpoint with name ${name} already exists in network ${network.name}`);
  }
  if (hostConfig.NetworkMode.startsWith('container:') || networks.host !== undefined) {
    throw invalidParameter(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (network.driver === 'host') {
    throw invalidParameter('cannot connect container to host network - container must be created in host network mode');
  }
  if (networks.none !== undefined || network.driver === 'null') {
    throw invalidParameter(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  }
}

async function update(context: ContainerContext, container: Container): Promise<void> {
  const sandbox = context.networks.sandbox(container.id);
  if (sandbox) {
    rememberSandbox(container, sandbox);
    await writeNetworkFiles(context, container, sandbox);
  }
  await writeState(context.directories.containers, container.record);
}

function announceNetwork(
  context: ContainerContext,
  container: Container,
  network: { readonly id: string; readonly name: string; readonly driver: string },
  action: 'connect' | 'disconnect',
): void {
  context.events.announce({
    type: 'network',
    action,
    id: network.id,
    attributes: { container: container.id, name: network.name, type: network.driver },
  });
}
