import { rm } from 'node:fs/promises';
import { forbidden, runAll, shortId, syncFolder } from '../base/index.ts';
import { isOurBridge, readHost } from './bridges.ts';
import { announceNetwork, documentFile, NETWORK_LIST } from './create-network.ts';
import { applyFirewall, firewallNetwork, getNetwork, isPredefined, type NetworksState } from './state.ts';

/** Removes a network that nobody is on. Throws dockerd's errors. */
export async function removeNetwork(state: NetworksState, idOrName: string): Promise<void> {
  await state.queue.run(NETWORK_LIST, async () => {
    const { document, members } = getNetwork(state, idOrName);
    if (isPredefined(document)) throw forbidden(`${document.name} is a pre-defined network and cannot be removed`);
    if (members.size > 0) {
      const endpoints = [...members.values()].map(
        ({ containerName, endpoint }) => `name:"${containerName}" id:"${shortId(endpoint.endpointId)}"`,
      );
      throw forbidden(
        `error while removing network: network ${document.name} has active endpoints (${endpoints.join(', ')})`,
      );
    }
    const { bridge, id } = document;
    state.networks.delete(id);
    await runAll(
      [
        () =>
          bridge === undefined
            ? undefined
            : applyFirewall(state, state.firewall.removeNetwork(firewallNetwork(document, bridge))),
        () => (bridge === undefined ? undefined : removeBridge(state, bridge.name)),
        () => rm(documentFile(state, id), { force: true }),
        () => syncFolder(state.options.documents),
      ],
      `removing network ${document.name}`,
    );
    announceNetwork(state, 'destroy', document);
  });
}

/** A bridge that somebody else made stays. */
async function removeBridge(state: NetworksState, name: string): Promise<void> {
  const { links } = await readHost(state.options.kernel);
  const link = links.find((candidate) => candidate.name === name);
  if (link !== undefined && isOurBridge(link)) await state.options.kernel.run([{ op: 'removeLink', link: name }]);
}
