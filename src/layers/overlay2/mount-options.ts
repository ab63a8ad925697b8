import type { MountOperation } from '../../linux/index.ts';
import { directoryPaths } from './layout.ts';

/** What the options of an overlay mount depend on. */
export interface OverlayMountRequest {
  /** Absolute path of overlay2. */
  readonly overlay2: string;
  readonly id: string;
  /** Short names, `l/XYZ`, uppermost first. */
  readonly lower: readonly string[];
  /** Whether this kernel knows overlayfs' inode index, which must then be off: layers are shared between mounts. */
  readonly hasIndexOption: boolean;
}

// mount(2) copies one page of options; 64-bit ARM kernels may have larger pages, but none has smaller ones.
const OPTIONS_LIMIT = 4096 - 1;

/**
 * The mount of a container's file system, with the options that dockerd's overlay2 driver has. Options that are too long
 * are said with paths relative to overlay2.
 */
export function overlayMount({ overlay2, id, lower, hasIndexOption }: OverlayMountRequest): MountOperation {
  const prefix = hasIndexOption ? 'index=off,' : '';
  const options = (base: string) => {
    const { tree, work } = directoryPaths(base, id);
    const lowerDirectories = lower.map((name) => (base === '' ? name : `${base}/${name}`)).join(':');
    return `${prefix}lowerdir=${lowerDirectories},upperdir=${tree},workdir=${work}`;
  };
  const mount = { op: 'mount', source: 'overlay', type: 'overlay', flags: [] } as const;
  const absolute = options(overlay2);
  if (absolute.length <= OPTIONS_LIMIT) {
    return { ...mount, target: directoryPaths(overlay2, id).merged, data: absolute };
  }
  return { ...mount, target: directoryPaths('', id).merged, data: options(''), workingDirectory: overlay2 };
}
