import { invalidParameter } from '../base/index.ts';
import type { ContainerConfig, HostConfig, MountPoint } from '../contract/docker/index.ts';
import type { OciMount } from '../runtime/index.ts';
import type { ContainerMount } from './container.ts';
import { anonymousVolume, cleanPath, fromSpec, parseBind } from './mount-specs.ts';

/** dockerd's for a tmpfs of `--tmpfs`. */
const TMPFS_PROPAGATION = 'rprivate';

/**
 * What the client asked to be mounted, from all the places it can ask in: Binds, Mounts, Volumes (of the image too).
 * Volumes without a name get one. Pure; throws dockerd's errors.
 * @param inherited the mounts of VolumesFrom containers, which anything else overrides
 */
export function planMounts(
  config: ContainerConfig,
  hostConfig: HostConfig,
  inherited: readonly ContainerMount[],
): ContainerMount[] {
  const explicit = [
    ...(hostConfig.Binds ?? []).map((text) => parseBind(text, hostConfig.VolumeDriver)),
    ...(hostConfig.Mounts ?? []).map((spec) => fromSpec(spec, hostConfig.VolumeDriver)),
  ];
  const byDestination = new Map(inherited.map((mount) => [mount.destination, mount]));
  const claimed = new Set<string>();
  for (const mount of explicit) {
    if (claimed.has(mount.destination)) throw invalidParameter(`Duplicate mount point: ${mount.destination}`);
    claimed.add(mount.destination);
    byDestination.set(mount.destination, mount);
  }
  const tmpfs = Object.keys(hostConfig.Tmpfs ?? {}).map(cleanPath);
  for (const destination of tmpfs) {
    // A tmpfs of `--mount` at the same place is the same thing twice.
    const taken = claimed.has(destination) && byDestination.get(destination)?.type !== 'tmpfs';
    if (taken) throw invalidParameter(`Duplicate mount point: ${destination}`);
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const destination = cleanPath(path);
    if (byDestination.has(destination) || tmpfs.includes(destination)) continue;
    byDestination.set(destination, anonymousVolume(destination, hostConfig.VolumeDriver));
  }
  return [...byDestination.values()];
}

/** The OCI form of the container's mounts, parents before children, as their order decides what hides what. */
export function ociMounts(mounts: readonly ContainerMount[], hostConfig: HostConfig): OciMount[] {
  const own = mounts.map((mount) => (mount.type === 'tmpfs' ? tmpfsMount(mount) : bindMount(mount)));
  const taken = new Set(own.map((mount) => mount.destination));
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {})
    .map(([path, options]) => ({
      destination: cleanPath(path),
      type: 'tmpfs',
      source: 'tmpfs',
      options: [...tmpfsWords(options), TMPFS_PROPAGATION],
    }))
    .filter((mount) => !taken.has(mount.destination));
  const depth = (mount: OciMount) => mount.destination.split('/').filter(Boolean).length;
  return [...tmpfs, ...own].sort((left, right) => depth(left) - depth(right));
}

/** Inspect's and list's form of a mount. */
export function mountPoint(mount: ContainerMount): MountPoint {
  return {
    Type: mount.type,
    ...(mount.name !== '' && { Name: mount.name }),
    Source: mount.source,
    Destination: mount.destination,
    ...(mount.driver !== '' && { Driver: mount.driver }),
    Mode: mount.mode,
    RW: mount.writable,
    Propagation: mount.propagation,
  };
}

// moby's options for every tmpfs (`oci_linux.go`).
const TMPFS_DEFAULTS = ['noexec', 'nosuid', 'nodev'];

function tmpfsMount(mount: ContainerMount): OciMount {
  return {
    destination: mount.destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: tmpfsWords(mount.tmpfsOptions),
  };
}

/** The client's words, and of the usual ones those it does not deny (`exec`): runtimes read a contradiction differently. */
function tmpfsWords(options: string): string[] {
  const own = words(options);
  return [...TMPFS_DEFAULTS.filter((word) => !own.includes(word.slice('no'.length))), ...own];
}

function bindMount(mount: ContainerMount): OciMount {
  return {
    destination: mount.destination,
    type: 'bind',
    source: mount.source,
    options: [
      mount.spec.BindOptions?.NonRecursive === true ? 'bind' : 'rbind',
      ...(mount.writable ? [] : ['ro']),
      ...(mount.propagation === '' ? [] : [mount.propagation]),
    ],
  };
}

function words(options: string): string[] {
  return options.split(',').filter((word) => word !== '');
}
