import { rm } from 'node:fs/promises';
import { announceStep, runAll } from '../base/index.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { EMPTY_ENDPOINT } from './network-plan.ts';
import { bundleDirectory, processesDirectory } from './process.ts';
import { containerFiles } from './state-files.ts';

/**
 * Takes down everything a run of the container used: OCI state, streams, sandbox, root mount, bundle. Goes on past
 * failures and throws them together. Safe to repeat, whatever part is already gone. The record of how the run ended
 * stays, see {@link forgetRun}.
 */
export async function takeDown(context: ContainerContext, container: Container): Promise<void> {
  const { record } = container;
  const hadSandbox = record.sandbox !== undefined;
  container.process?.close();
  container.process = undefined;
  for (const exec of container.execs.values()) exec.process?.close();
  await runAll(
    [
      () => context.runtimeNamed(record.hostConfig.Runtime).delete(container.id),
      () =>
        concurrently([
          () => context.networks.leave(container.id),
          () => unmountRoot(context, container),
          () => releaseVolumes(context, container),
          () => rm(bundleDirectory(context, container.id), { recursive: true, force: true }),
        ]),
    ],
    'taking down the container',
  );
  if (hadSandbox) announceNetworks(context, container, 'disconnect');
  announceUnmounts(context, container);
  record.sandbox = undefined;
  forgetAddresses(container);
}

/** Removes what the shims of a run left, the exit record among it: call it when the run's end is written down. */
export async function forgetRun(context: ContainerContext, container: Container): Promise<void> {
  const directory = processesDirectory(context, container.id);
  announceStep('forget run', directory);
  await rm(directory, { recursive: true, force: true });
}

/** Tells that the container came to, or left, each of its networks. */
export function announceNetworks(
  context: ContainerContext,
  container: Container,
  action: 'connect' | 'disconnect',
): void {
  for (const name of Object.keys(container.record.networks)) {
    const network = context.networks.find(name);
    if (network === undefined) continue;
    context.events.announce({
      type: 'network',
      action,
      id: network.id,
      attributes: { container: container.id, name: network.name, type: network.driver },
    });
  }
}

async function unmountRoot(context: ContainerContext, container: Container): Promise<void> {
  const { sharedMemory } = containerFiles(context.directories.containers, container.id);
  if (container.record.hostConfig.IpcMode === 'shareable') {
    await context.kernel.run([{ op: 'unmount', target: sharedMemory, detach: true, ignoreMissing: true }]);
  }
  await context.layers.unmountRw(container.id);
}

async function releaseVolumes(context: ContainerContext, container: Container): Promise<void> {
  for (const mount of container.record.mounts) {
    if (mount.type === 'volume') await context.volumes.release(mount.name, container.id);
  }
}

function announceUnmounts(context: ContainerContext, container: Container): void {
  for (const mount of container.record.mounts) {
    if (mount.type !== 'volume') continue;
    context.events.announce({
      type: 'volume',
      action: 'unmount',
      id: mount.name,
      attributes: { container: container.id, driver: mount.driver },
    });
  }
}

/** What the client asked of each endpoint stays; what the network gave it goes. */
function forgetAddresses(container: Container): void {
  for (const [name, endpoint] of Object.entries(container.record.networks)) {
    container.record.networks[name] = {
      ...EMPTY_ENDPOINT,
      IPAMConfig: endpoint.IPAMConfig,
      Links: endpoint.Links,
      Aliases: endpoint.Aliases,
      DriverOpts: endpoint.DriverOpts,
      GwPriority: endpoint.GwPriority,
      NetworkID: endpoint.NetworkID,
      DNSNames: endpoint.DNSNames,
    };
  }
}

/** Starts every step at once, waits for all, then throws what failed. */
async function concurrently(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const running = steps.map((step) => step());
  await Promise.allSettled(running);
  await runAll(
    running.map((step) => () => step),
    'taking down the container',
  );
}
