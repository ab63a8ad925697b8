import { conflict, forbidden, notFound } from '../base/index.ts';
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
  const container = context.store.get(containerName);
  const network = context.networks.get(networkName);
  await context.queue.run(container.id, async () => {
    const { record } = container;
    requireConnectable(container);
    if (network.driver !== 'bridge') {
      throw forbidden(`container cannot be connected to host network - container must be created in host network mode`);
    }
    if (container.phase.name === 'running' && record.networks[network.name]) {
      throw forbidden(`endpoint with name ${record.name} already exists in network ${network.name}`);
    }
    const endpoint = { ...EMPTY_ENDPOINT, ...settings };
    const address = endpoint.IPAMConfig?.IPv4Address;
    if (container.phase.name === 'running') {
      await context.networks.connect(container.id, {
        network: network.id,
        aliases: endpoint.Aliases ?? [],
        ...(address && { address }),
        ...(endpoint.MacAddress && { macAddress: endpoint.MacAddress }),
        gatewayPriority: endpoint.GwPriority,
      });
    }
    // `none` means no other network; the first real one takes its place.
    delete record.networks.none;
    record.networks[network.name] = endpoint;
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
  const container = force ? context.store.find(containerName) : context.store.get(containerName);
  if (container === undefined) throw notFound(`No such container: ${containerName}`);
  await context.queue.run(container.id, async () => {
    const { record } = container;
    requireConnectable(container);
    if (record.networks[network.name] === undefined) {
      throw forbidden(`container ${container.id} is not connected to network ${network.name}`);
    }
    if (network.driver === 'host') {
      throw forbidden(
        'container cannot be disconnected from host network - container was created in host network mode',
      );
    }
    if (container.phase.name === 'running') await context.networks.disconnect(container.id, network.id);
    delete record.networks[network.name];
    await update(context, container);
    announceNetwork(context, container, network, 'disconnect');
  });
}

function requireConnectable(container: Container): void {
  if (container.phase.name === 'removing' || container.phase.name === 'dead') {
    throw conflict(
      `container ${container.id} is marked for removal and cannot be connected or disconnected to the network`,
    );
  }
  if (container.record.hostConfig.NetworkMode.startsWith('container:')) {
    throw forbidden(
      'container sharing network namespace with another container or host cannot be connected to any other network',
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
