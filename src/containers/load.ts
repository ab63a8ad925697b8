import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { announceStep, messageOf, readJsonFile, removeTemporaryFiles } from '../base/index.ts';
import { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { removeVolume } from './remove.ts';
import { containerFiles, DOOMED_VOLUMES, REMOVAL_SUFFIX, readContainer } from './state-files.ts';

/** What the folder of containers holds. */
export interface StoredContainers {
  /** The whole ones, oldest first. */
  readonly containers: readonly Container[];
  /** Ids of those whose files cannot be read. They are their owner's to mend: nothing of them is removed. */
  readonly unreadable: readonly string[];
  /** Folders of containers whose creation or removal broke off. */
  readonly unfinished: readonly string[];
}

/** Reads every container from disk. */
export async function loadContainers(context: ContainerContext): Promise<StoredContainers> {
  const root = context.directories.containers;
  const containers: Container[] = [];
  const unreadable: string[] = [];
  const unfinished: string[] = [];
  for (const name of await readdir(root)) {
    const { directory, doomedVolumes } = containerFiles(root, name);
    if (name.endsWith(REMOVAL_SUFFIX)) {
      unfinished.push(directory);
      continue;
    }
    await removeTemporaryFiles(directory);
    try {
      const record = await readContainer(root, name);
      if (record) {
        containers.push(new Container(record));
        // It was made whole after all, or its removal did not begin.
        await rm(doomedVolumes, { force: true });
      } else unfinished.push(directory);
    } catch (error) {
      context.log.error({ container: name, error: messageOf(error) }, 'the state of a container cannot be read');
      unreadable.push(name);
    }
  }
  containers.sort((left, right) => (left.record.created < right.record.created ? -1 : 1));
  return { containers, unreadable, unfinished };
}

/** Removes what a creation or removal that broke off left in `directory`, and the volumes that were to go with it. */
export async function removeUnfinished(context: ContainerContext, directory: string): Promise<void> {
  announceStep('remove unfinished', directory);
  try {
    const volumes = await readJsonFile<string[]>(join(directory, DOOMED_VOLUMES));
    for (const volume of volumes ?? []) await removeVolume(context, volume);
  } catch (error) {
    context.log.warn({ directory, error: messageOf(error) }, 'a volume of an unfinished container stays');
  }
  await rm(directory, { recursive: true, force: true });
}
