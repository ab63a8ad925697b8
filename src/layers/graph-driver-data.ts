import { join } from 'node:path';
import { directoryPaths } from './overlay2/layout.ts';

/** What `inspect` shows of a layer's place on disk. */
export type GraphDriverData = Readonly<Record<string, string>>;

/**
 * `GraphDriver.Data` as dockerd's overlay2 driver has it.
 *
 * @param lowerIds directories of overlay2 below, uppermost first
 */
export function graphDriverData(
  overlay2: string,
  id: string,
  lowerIds: readonly string[],
  containerId?: string,
): GraphDriverData {
  const { tree, work, merged } = directoryPaths(overlay2, id);
  return {
    ...(containerId !== undefined && { ID: containerId }),
    ...(lowerIds.length > 0 && { LowerDir: lowerIds.map((lower) => join(overlay2, lower, 'diff')).join(':') }),
    MergedDir: merged,
    UpperDir: tree,
    WorkDir: work,
  };
}
