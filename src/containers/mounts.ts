import { isAbsolute, normalize } from 'node:path';
import { invalidParameter, newId } from '../base/index.ts';
import type { ContainerConfig, HostConfig, MountPoint, MountSpec } from '../contract/docker/index.ts';
import type { OciMount } from '../runtime/index.ts';
import type { ContainerMount } from './container.ts';
import { tmpfsOptions } from './state-files.ts';

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const MODE_WORDS = ['ro', 'rw', 'z', 'Z', 'nocopy', 'cached', 'consistent', 'delegated', ...PROPAGATIONS];
const DEFAULT_PROPAGATION = 'rprivate';

/**
 * What the client asked to be mounted, from all the places it can ask in: Binds, Mounts, Volumes (of the image too).
 * Volumes without a name get one. Pure; throws invalidParameter with dockerd's words.
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
  const tmpfs = Object.keys(hostConfig.Tmpfs ?? {}).map(normalize);
  for (const destination of tmpfs) {
    if (claimed.has(destination)) throw invalidParameter(`Duplicate mount point: ${destination}`);
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const destination = normalize(path).replace(/(.)\/$/, '$1');
    if (byDestination.has(destination) || tmpfs.includes(destination)) continue;
    byDestination.set(destination, anonymousVolume(destination, hostConfig.VolumeDriver));
  }
  return [...byDestination.values()];
}

/** The OCI form of the container's mounts, parents before children, as their order decides what hides what. */
export function ociMounts(mounts: readonly ContainerMount[], hostConfig: HostConfig): OciMount[] {
  const own = mounts.map((mount) => (mount.type === 'tmpfs' ? tmpfsMount(mount) : bindMount(mount)));
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {}).map(([destination, options]) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...TMPFS_DEFAULTS, ...words(options), DEFAULT_PROPAGATION],
  }));
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

// moby's options for every tmpfs (`oci_linux.go`); the client's own words come later and win.
const TMPFS_DEFAULTS = ['noexec', 'nosuid', 'nodev'];

function tmpfsMount(mount: ContainerMount): OciMount {
  return {
    destination: mount.destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...TMPFS_DEFAULTS, ...words(mount.tmpfsOptions)],
  };
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

/** `source:destination[:mode]`: an absolute source is a bind, any other a volume name. */
function parseBind(text: string, volumeDriver: string): ContainerMount {
  const fail = (reason = '') => invalidParameter(`invalid volume specification: '${text}'${reason}`);
  const [source = '', target = '', mode = '', ...extra] = text.split(':');
  if (source === '' || target === '' || extra.length > 0) throw fail();
  const destination = requireDestination(target, text);
  const modeWords = words(mode);
  for (const word of modeWords) {
    if (!MODE_WORDS.includes(word)) throw invalidParameter(`invalid mode: ${mode}`);
  }
  const readOnly = modeWords.includes('ro');
  const propagation = modeWords.find((word) => PROPAGATIONS.includes(word)) ?? '';
  if (isAbsolute(source)) {
    return mountFrom(
      { Type: 'bind', Source: normalize(source), Target: destination, ...(readOnly && { ReadOnly: true }) },
      { mode, propagation: propagation || DEFAULT_PROPAGATION, sourceMustExist: false, volumeDriver },
    );
  }
  requireVolumeName(source);
  return mountFrom(
    {
      Type: 'volume',
      Source: source,
      Target: destination,
      ...(readOnly && { ReadOnly: true }),
      ...(modeWords.includes('nocopy') && { VolumeOptions: { NoCopy: true } }),
    },
    // dockerd shows `z` for named volumes given by -v without a mode.
    { mode: mode || 'z', propagation, sourceMustExist: false, volumeDriver },
  );
}

function fromSpec(spec: MountSpec, volumeDriver: string): ContainerMount {
  const fail = (reason: string) => invalidParameter(`invalid mount config for type "${spec.Type}": ${reason}`);
  if (!['bind', 'volume', 'tmpfs'].includes(spec.Type)) throw invalidParameter(`mount type unknown: "${spec.Type}"`);
  if (spec.Target === '') throw fail('field Target must not be empty');
  if (!isAbsolute(spec.Target)) throw fail(`invalid mount path: '${spec.Target}' mount path must be absolute`);
  const source = spec.Source ?? '';
  if (spec.Type === 'bind' && source === '') throw fail('field Source must not be empty');
  if (spec.Type === 'bind' && !isAbsolute(source)) {
    throw fail(`invalid mount path: '${source}' mount path must be absolute`);
  }
  if (spec.Type === 'tmpfs' && source !== '') throw fail('field Source must not be specified');
  if (spec.Type === 'volume' && source !== '') requireVolumeName(source);
  const destination = requireDestination(spec.Target, spec.Target);
  const mustExist = spec.Type === 'bind' && spec.BindOptions?.CreateMountpoint !== true;
  return mountFrom(
    { ...spec, Target: destination },
    {
      mode: spec.Type === 'volume' ? 'z' : '',
      propagation: spec.BindOptions?.Propagation || (spec.Type === 'bind' ? DEFAULT_PROPAGATION : ''),
      sourceMustExist: mustExist,
      volumeDriver,
    },
  );
}

function anonymousVolume(destination: string, volumeDriver: string): ContainerMount {
  return mountFrom(
    { Type: 'volume', Target: destination },
    { mode: '', propagation: '', sourceMustExist: false, volumeDriver },
  );
}

function mountFrom(
  spec: MountSpec,
  given: { mode: string; propagation: string; sourceMustExist: boolean; volumeDriver: string },
): ContainerMount {
  const isVolume = spec.Type === 'volume';
  const source = spec.Source ?? '';
  const driver = spec.VolumeOptions?.DriverConfig?.Name || given.volumeDriver || 'local';
  return {
    type: spec.Type as ContainerMount['type'],
    destination: spec.Target,
    source: spec.Type === 'bind' ? source : '',
    name: isVolume ? source || newId() : '',
    driver: isVolume ? driver : '',
    writable: spec.ReadOnly !== true,
    mode: given.mode,
    propagation: given.propagation,
    copyData: isVolume && spec.VolumeOptions?.NoCopy !== true,
    anonymous: isVolume && source === '',
    sourceMustExist: given.sourceMustExist,
    tmpfsOptions: tmpfsOptions(spec),
    spec,
  };
}

function requireDestination(path: string, text: string): string {
  if (!isAbsolute(path)) {
    throw invalidParameter(
      `invalid volume specification: '${text}': invalid mount path: '${path}' mount path must be absolute`,
    );
  }
  const clean = normalize(path).replace(/(.)\/$/, '$1');
  if (clean === '/') {
    throw invalidParameter(`invalid volume specification: '${text}': invalid specification: destination can't be '/'`);
  }
  return clean;
}

function requireVolumeName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  throw invalidParameter(
    name.length < 2
      ? `create ${name}: volume name is too short, names should be at least two alphanumeric characters`
      : `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}
