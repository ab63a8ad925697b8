import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfinedTask } from '../linux/index.ts';

/** The bytes of all files in the tree, hard links counted once (dockerd's measure of a container's own data). */
export const measureTask: ConfinedTask<null, number> = {
  name: 'measure',
  duration: 'long',
  run: () => sizeBelow('/', new Set()),
};

function sizeBelow(folder: string, seen: Set<number>): number {
  let total = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    // A running container may remove anything at any time.
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined || (status.nlink > 1 && seen.has(status.ino) && !entry.isDirectory())) continue;
    seen.add(status.ino);
    total += status.size;
    if (entry.isDirectory()) total += sizeBelow(path, seen);
  }
  return total;
}
