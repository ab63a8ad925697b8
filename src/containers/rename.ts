import { conflict, invalidParameter, prefixed } from '../base/index.ts';
import { announce } from './announce.ts';
import type { ContainerRecord } from './container.ts';
import type { ContainerContext } from './context.ts';
import { writeState } from './state-files.ts';
import { requireValidName } from './store.ts';

/** Gives a container another name. Throws invalidParameter for a malformed name, conflict for one in use. */
export async function renameContainer(context: ContainerContext, idOrName: string, newName: string): Promise<void> {
  const name = newName.replace(/^\//, '');
  if (idOrName === '' || name === '') {
    throw invalidParameter('Neither old nor new names may be empty');
  }
  const container = context.store.get(idOrName);
  await context.queue.run(container.id, async () => {
    const { record } = container;
    const { name: oldName, networks } = record;
    if (name === oldName) {
      throw invalidParameter('Renaming a container with the same name as its current name');
    }
    if (container.phase.name === 'removing' || container.phase.name === 'dead') {
      throw conflict(`container is marked for removal and cannot be renamed`);
    }
    reserve(context, name, container.id);
    try {
      record.name = name;
      record.networks = renamed(networks, oldName, name);
      await writeState(context.directories.containers, record);
      await context.networks.renameContainer(container.id, name);
    } catch (error) {
      record.name = oldName;
      record.networks = networks;
      context.store.releaseName(name, container.id);
      throw error;
    }
    context.store.releaseName(oldName, container.id);
    announce(context, container, 'rename', { oldName: `/${oldName}` });
  });
}

/** The container's name is one of those that others on its networks find it by. */
function renamed(networks: ContainerRecord['networks'], oldName: string, name: string): ContainerRecord['networks'] {
  return Object.fromEntries(
    Object.entries(networks).map(([network, endpoint]) => {
      const DNSNames = endpoint.DNSNames?.map((one) => (one === oldName ? name : one)) ?? null;
      return [network, { ...endpoint, DNSNames }];
    }),
  );
}

function reserve(context: ContainerContext, name: string, id: string): void {
  try {
    requireValidName(name, `/${name}`);
    context.store.reserveName(name, id);
  } catch (error) {
    throw prefixed(error, 'Error when allocating new name: ');
  }
}
