import { mkdir } from 'node:fs/promises';
import { announceStep, errnoOf, messageOf, prefixed, runAll, systemError } from '../base/index.ts';
import type { Sandbox } from '../networks/index.ts';
import { announce } from './announce.ts';
import { joinWaiting } from './attach.ts';
import { writeBundle } from './bundle.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { writeNetworkFiles } from './network-files.ts';
import { EMPTY_ENDPOINT } from './network-plan.ts';
import { planPorts, portMap } from './port-plan.ts';
import { type ContainerProcess, spawnShim } from './process.ts';
import { CREATE_PREFIX, translateStartFailure } from './start-failure.ts';
import { containerFiles, writeState } from './state-files.ts';
import { announceNetworks, forgetRun, takeDown } from './take-down.ts';

/** Mode of the folders that a missing bind source is made with (dockerd's). */
const BIND_SOURCE_MODE = 0o755;

/**
 * Brings a container's process to life: root, network and shim side by side, then the files and the OCI bundle, then the
 * runtime. Undoes everything if a step fails. Call inside the container's queue.
 */
export async function launch(context: ContainerContext, container: Container): Promise<ContainerProcess> {
  const { record } = container;
  await using undo = new AsyncDisposableStack();
  // What went wrong first is what the client must hear.
  undo.defer(() =>
    runAll([() => takeDown(context, container), () => forgetRun(context, container)], 'undoing a start').catch(
      (error) =>
        context.log.error({ container: container.id, error: messageOf(error) }, 'a failed start was not undone whole'),
    ),
  );
  context.expectCgroupMove();
  await prepareMounts(context, container);
  const [root, sandbox, process] = await together(
    context.layers.mountRw(container.id),
    joinNetworks(context, container).catch((error) => {
      throw prefixed(error, 'failed to set up container networking: ');
    }),
    spawnShim(context, container, {
      terminal: record.config.Tty,
      stdin: record.config.OpenStdin,
      stdinOnce: record.config.StdinOnce,
      logs: true,
    }),
  );
  container.process = process;
  await writeNetworkFiles(context, container, sandbox);
  await writeBundle(context, container, root, sandbox);
  announceMounts(context, container);
  await joinWaiting(context, container);
  announceStep('start', container.id);
  // Taken before: a process may end before the word of its start is here.
  const startedAt = context.clock.timestamp();
  const { pid } = await process.start().catch((error) => {
    throw translateStartFailure(error, { command: record.path, root, prefix: CREATE_PREFIX });
  });
  await enterRunning(context, container, pid, startedAt);
  undo.move();
  return process;
}

async function enterRunning(
  context: ContainerContext,
  container: Container,
  pid: number,
  startedAt: string,
): Promise<void> {
  beginRun(container, pid, startedAt);
  await writeState(context.directories.containers, container.record);
  announce(context, container, 'start');
}

/** The container's record of a run that has just begun. */
export function beginRun(container: Container, pid: number, startedAt: string): void {
  const { record } = container;
  record.lastRun = { ...record.lastRun, startedAt, exitCode: 0, error: '', oomKilled: false };
  record.startedBefore = true;
  container.enter({ name: 'running', pid, paused: false });
}

/** The network of the container, as its mode asks; undefined if it is another container's or the host's alone. */
async function joinNetworks(context: ContainerContext, container: Container): Promise<Sandbox | undefined> {
  const { record } = container;
  if (record.hostConfig.NetworkMode.startsWith('container:')) return undefined;
  const names = Object.keys(record.networks);
  const sandbox = await context.networks.join({
    containerId: container.id,
    containerName: record.name,
    hostname: record.config.Hostname,
    endpoints: (record.config.NetworkDisabled === true ? ['none'] : names).map((name) => {
      const settings = record.networks[name] ?? EMPTY_ENDPOINT;
      const address = settings.IPAMConfig?.IPv4Address;
      return {
        network: name,
        aliases: settings.Aliases ?? [],
        ...(address && { address }),
        ...(record.macAddresses[name] && { macAddress: record.macAddresses[name] }),
        gatewayPriority: settings.GwPriority,
      };
    }),
    ports: planPorts(record.config, record.hostConfig),
    dnsServers: record.hostConfig.Dns?.length ? record.hostConfig.Dns : context.defaultDns.servers,
  });
  rememberSandbox(container, sandbox);
  announceNetworks(context, container, 'connect');
  return sandbox;
}

/** Copies what the networks gave the container into its record. */
export function rememberSandbox(container: Container, sandbox: Sandbox): void {
  const { record } = container;
  record.sandbox = { id: sandbox.id, path: sandbox.path ?? '', ports: portMap(record.config, sandbox.ports) };
  for (const endpoint of sandbox.endpoints) {
    record.networks[endpoint.networkName] = {
      ...(record.networks[endpoint.networkName] ?? EMPTY_ENDPOINT),
      NetworkID: endpoint.networkId,
      EndpointID: endpoint.endpointId,
      Gateway: endpoint.gateway,
      IPAddress: endpoint.address,
      IPPrefixLen: endpoint.prefixLength,
      MacAddress: endpoint.macAddress,
      DNSNames: endpoint.dnsNames.length > 0 ? [...endpoint.dnsNames] : null,
    };
  }
}

/** Makes missing sources of `-v`, mounts volumes that need it, and the shared memory that other containers may join. */
async function prepareMounts(context: ContainerContext, container: Container): Promise<void> {
  const { record } = container;
  for (const mount of record.mounts) {
    if (mount.type === 'volume') await context.volumes.use(mount.name, container.id);
    if (mount.type === 'bind' && !mount.sourceMustExist) {
      await mkdir(mount.source, { recursive: true, mode: BIND_SOURCE_MODE }).catch((error) => {
        // A file is a fine source too.
        if (errnoOf(error) === 'EEXIST') return;
        throw systemError(
          `error while creating mount source path '${mount.source}': mkdir ${mount.source}: ${error.message}`,
        );
      });
    }
  }
  if (record.hostConfig.IpcMode !== 'shareable') return;
  const { sharedMemory } = containerFiles(context.directories.containers, container.id);
  await mkdir(sharedMemory, { recursive: true, mode: 0o700 });
  await context.kernel.run([
    {
      op: 'mount',
      source: 'shm',
      target: sharedMemory,
      type: 'tmpfs',
      flags: ['nosuid', 'nodev', 'noexec'],
      data: `mode=1777,size=${record.hostConfig.ShmSize}`,
    },
  ]);
}

function announceMounts(context: ContainerContext, container: Container): void {
  for (const mount of container.record.mounts) {
    if (mount.type !== 'volume') continue;
    context.events.announce({
      type: 'volume',
      action: 'mount',
      id: mount.name,
      attributes: {
        container: container.id,
        destination: mount.destination,
        driver: mount.driver,
        propagation: mount.propagation,
        'read/write': String(mount.writable),
      },
    });
  }
}

/** Waits for all three whatever happens, so that what one made can be undone when another failed. */
async function together<A, B, C>(first: Promise<A>, second: Promise<B>, third: Promise<C>): Promise<[A, B, C]> {
  await Promise.allSettled([first, second, third]);
  return Promise.all([first, second, third]);
}
