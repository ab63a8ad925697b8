import { runAll } from '../base/index.ts';
import { removeLinksInBackground } from '../linux/index.ts';
import { releasePorts } from './bind-ports.ts';
import { releaseEndpoint } from './endpoints.ts';
import type { Endpoint, Sandbox } from './model.ts';
import { applyFirewall, firewallPorts, type NetworksState } from './state.ts';

/**
 * Removes a container's sandbox; fine if it has none. Goes on past failures and throws them together. Afterwards nothing
 * of it can be reached and its addresses and ports are free; its links may take the kernel some tens of milliseconds
 * more (`settled` waits for them).
 */
export async function leave(state: NetworksState, containerId: string): Promise<void> {
  await state.queue.run(containerId, async () => {
    const live = state.sandboxes.get(containerId);
    if (live === undefined) return;
    const { sandbox, portSockets } = live;
    state.sandboxes.delete(containerId);
    state.names.delete(sandbox.id);
    state.nameServer.stop(sandbox.id);
    await runAll(
      [
        () => closePorts(state, sandbox),
        () => dismantle(state, sandbox),
        () => releasePorts(state.options.kernel, state.ports, { published: sandbox.ports, sockets: portSockets }),
        ...sandbox.endpoints.map((endpoint) => () => releaseEndpoint(state.networks.get(endpoint.networkId), endpoint)),
        () => state.files.remove(containerId),
      ],
      `leaving the networks of container ${containerId}`,
    );
  });
}

/** Takes a sandbox's links and namespace out of the kernel; what is missing already is fine. */
export async function dismantle(state: NetworksState, sandbox: Sandbox): Promise<void> {
  const { kernel } = state.options;
  const { path } = sandbox;
  await runAll(
    [
      () => removeLinks(state, sandbox.endpoints),
      () => (path === undefined ? undefined : kernel.run([{ op: 'removeNamespace', path }])),
    ],
    'removing a sandbox',
  );
}

/** Closes the published ports of a sandbox, and forgets the UDP connections that would go on to its address. */
export async function closePorts(state: NetworksState, sandbox: Sandbox): Promise<void> {
  const ports = firewallPorts(sandbox);
  await applyFirewall(state, state.firewall.unpublish(ports));
  const addresses = new Set(ports.filter(({ protocol }) => protocol === 'udp').map(({ address }) => address));
  if (addresses.size === 0) return;
  await state.options.kernel.run(
    [...addresses].map((replySource) => ({ op: 'flushConntrack', protocol: 'udp', replySource }) as const),
  );
}

/** Cuts links off now and removes them in the background: the kernel takes tens of milliseconds for a veth pair. */
export async function removeLinks(state: NetworksState, endpoints: readonly Endpoint[]): Promise<void> {
  const links = endpoints.map(({ hostInterfaceName }) => hostInterfaceName).filter((name) => name !== '');
  if (links.length === 0) return;
  await state.options.kernel.run(links.map((link) => ({ op: 'disablePort', link }) as const));
  const removal = removeLinksInBackground(links).catch((error) =>
    state.options.log.error({ links, err: error }, 'links were not removed'),
  );
  state.background.add(removal);
  removal.finally(() => state.background.delete(removal));
}
