import { readdir, stat } from 'node:fs/promises';
import { systemError } from '../base/index.ts';
import { resolveInRoot, runProgram } from '../linux/index.ts';
import type { ContainerRecord } from './container.ts';
import type { ContainerContext } from './context.ts';

const COPY_PROGRAM = '/bin/cp';

/**
 * Docker's copy-up: an empty volume mounted over a folder of the image gets that folder's content, owner and mode.
 * Nothing of the container runs yet, so paths resolved inside its root stay what they are.
 */
export async function fillVolumes(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const candidates = record.mounts.filter((mount) => mount.type === 'volume' && mount.copyData);
  const empty = await Promise.all(candidates.map(async (mount) => (await readdir(mount.source)).length === 0));
  const volumes = candidates.filter((_, index) => empty[index]);
  if (volumes.length === 0 || context.layers.rwLayer(record.id)?.parent === undefined) return;
  const root = await context.layers.mountRw(record.id);
  try {
    for (const volume of volumes) {
      const source = resolveInRoot(root, volume.destination);
      if (source === undefined || !(await stat(source)).isDirectory()) continue;
      // `/.` copies the folder itself onto the volume: its content, and its own owner and mode.
      const copied = await runProgram(context.kernel, COPY_PROGRAM, ['-a', '--', `${source}/.`, volume.source]);
      if (copied.status.code !== 0) throw systemError(`failed to populate volume: ${copied.stderr.trim()}`);
    }
  } finally {
    await context.layers.unmountRw(record.id);
  }
}
