import { isAbsolute, posix } from 'node:path';
import { EngineError, invalidParameter, newId, notImplemented, systemError } from '../base/index.ts';
import type { MountSpec } from '../contract/docker/index.ts';
import type { ContainerMount } from './container.ts';
import { tmpfsOptions } from './state-files.ts';

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const DEFAULT_PROPAGATION = 'rprivate';

/** The words of `-v`'s third part, by what they decide: of each kind at most one may be given. */
const MODE_KINDS: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['z', 'Z'],
  ['nocopy'],
  ['cached', 'consistent', 'delegated'],
  PROPAGATIONS,
];

/** Which type of mount each group of options belongs to. */
const OPTION_TYPES = { BindOptions: 'bind', VolumeOptions: 'volume', TmpfsOptions: 'tmpfs' } as const;

/** The mount options that `TmpfsOptions.Options` may name (moby `volume/mounts/linux_parser.go`). */
const TMPFS_WORDS = ['exec', 'noexec'];

/**
 * `[source:]destination[:mode]`: an absolute source is a bind, any other a volume name, none an anonymous volume.
 * Throws a system error, as dockerd does here, or invalidParameter for a bad volume name.
 */
export function parseBind(text: string, volumeDriver: string): ContainerMount {
  const invalid = (reason = '') => systemError(`invalid volume specification: '${text}'${reason}`);
  const parts = text.split(':');
  const { source, target, mode } = splitBind(parts);
  if (parts[0] === '' || target === '' || parts.length > 3) throw invalid();
  if (!isMode(mode)) throw systemError(`invalid mode: ${mode}`);
  const words = modeWords(mode);
  const propagation = words.find((word) => PROPAGATIONS.includes(word));
  const type = isAbsolute(source) ? 'bind' : 'volume';
  const spec: MountSpec = {
    Type: type,
    ...(source !== '' && { Source: type === 'bind' ? cleanPath(source) : source }),
    Target: target,
    ...(words.includes('ro') && { ReadOnly: true }),
    ...(propagation !== undefined && { BindOptions: { Propagation: propagation } }),
    ...(words.includes('nocopy') && { VolumeOptions: { NoCopy: true } }),
  };
  const problem = misplacedOptions(spec) ?? problemOf(spec);
  if (problem !== undefined) throw invalid(`: invalid mount config for type "${type}": ${problem}`);
  if (type === 'volume' && source !== '') requireVolumeName(source);
  return toMount(spec, {
    // dockerd shows `z` for volumes given by -v without a mode.
    mode: mode || (type === 'volume' ? 'z' : ''),
    sourceMustExist: false,
    volumeDriver,
  });
}

/** An entry of `HostConfig.Mounts`. Throws invalidParameter. */
export function fromSpec(spec: MountSpec, volumeDriver: string): ContainerMount {
  for (const [options, type] of Object.entries(OPTION_TYPES)) {
    if (spec.Type === type || spec[options as keyof typeof OPTION_TYPES] === undefined) continue;
    throw invalidParameter(`${options} must not be specified on mount type "${spec.Type}"`);
  }
  const problem = problemOf(spec);
  if (problem !== undefined) throw invalidParameter(`invalid mount config for type "${spec.Type}": ${problem}`);
  if (spec.VolumeOptions?.Subpath) throw notImplemented('mounting a part of a volume (Subpath) is not supported');
  if (spec.Type === 'volume' && spec.Source) requireVolumeName(spec.Source);
  return toMount(spec, {
    mode: spec.Type === 'volume' ? 'z' : '',
    sourceMustExist: spec.Type === 'bind' && spec.BindOptions?.CreateMountpoint !== true,
    volumeDriver,
  });
}

/** A volume without a name, for a path that the image or the client declared. */
export function anonymousVolume(destination: string, volumeDriver: string): ContainerMount {
  return toMount({ Type: 'volume', Target: destination }, { mode: '', sourceMustExist: false, volumeDriver });
}

/** A path in the one form that is compared and kept. */
export function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, '$1');
}

/** True if a mode of `-v` or `--volumes-from` is one that dockerd takes. */
export function isMode(mode: string): boolean {
  if (mode === '') return true;
  const words = modeWords(mode);
  const isKnown = words.every((word) => MODE_KINDS.some((kind) => kind.includes(word)));
  return isKnown && MODE_KINDS.every((kind) => words.filter((word) => kind.includes(word)).length <= 1);
}

function modeWords(mode: string): string[] {
  return mode === '' ? [] : mode.split(',');
}

function splitBind(parts: readonly string[]): { source: string; target: string; mode: string } {
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { source: '', target: first, mode: '' };
  if (parts.length === 2 && second !== '' && isMode(second)) return { source: '', target: first, mode: second };
  return { source: first, target: second, mode: third };
}

function misplacedOptions(spec: MountSpec): string | undefined {
  const entries = Object.entries(OPTION_TYPES) as [keyof typeof OPTION_TYPES, string][];
  const misplaced = entries.find(([options, type]) => spec.Type !== type && spec[options] !== undefined);
  return misplaced && `field ${misplaced[0]} must not be specified`;
}

/** What is wrong with a mount, in the words that dockerd puts behind its type (moby `volume/mounts/validate.go`). */
function problemOf(spec: MountSpec): string | undefined {
  if (spec.Target === '') return 'field Target must not be empty';
  if (cleanPath(spec.Target) === '/') return "invalid specification: destination can't be '/'";
  if (!isAbsolute(spec.Target)) return `invalid mount path: '${spec.Target}' mount path must be absolute`;
  const problem = PROBLEMS[spec.Type];
  if (problem === undefined) return 'mount type unknown';
  return spec.ImageOptions === undefined ? problem(spec) : 'field ImageOptions must not be specified';
}

const PROBLEMS: Readonly<Record<string, (spec: MountSpec) => string | undefined>> = {
  bind: ({ Source: source = '', BindOptions: options }) => {
    if (source === '') return 'field Source must not be empty';
    if (!isAbsolute(source)) return `invalid mount path: '${source}' mount path must be absolute`;
    const propagation = options?.Propagation ?? '';
    const isKnown = propagation === '' || PROPAGATIONS.includes(propagation);
    return isKnown ? undefined : `invalid propagation mode: ${propagation}`;
  },
  volume: ({ Source: source = '', ReadOnly: readOnly, VolumeOptions: options }) => {
    const subpath = options?.Subpath ?? '';
    if (source === '' && subpath !== '') return 'must not set Subpath when using anonymous volumes';
    if (source === '' && readOnly === true) return 'must not set ReadOnly mode when using anonymous volumes';
    const leavesVolume = isAbsolute(subpath) || posix.normalize(subpath).split('/')[0] === '..';
    return leavesVolume ? 'subpath must be a relative path within the volume' : undefined;
  },
  tmpfs: ({ Source: source = '', TmpfsOptions: options }) => {
    if (source !== '') return 'field Source must not be specified';
    for (const option of options?.Options ?? []) {
      const [name = ''] = option;
      if (option.length !== 1 && option.length !== 2) return 'invalid option array length';
      if (option.length === 2 || !TMPFS_WORDS.includes(name)) return `invalid option: ${name}`;
    }
    return undefined;
  },
};

function toMount(
  spec: MountSpec,
  given: { mode: string; sourceMustExist: boolean; volumeDriver: string },
): ContainerMount {
  const { Type: type } = spec;
  if (type !== 'bind' && type !== 'volume' && type !== 'tmpfs') {
    throw new EngineError('system', `mounts of type ${type} are refused before`);
  }
  const isVolume = type === 'volume';
  const source = spec.Source ?? '';
  const driver = spec.VolumeOptions?.DriverConfig?.Name || given.volumeDriver || 'local';
  const destination = cleanPath(spec.Target);
  return {
    type,
    destination,
    source: type === 'bind' ? source : '',
    name: isVolume ? source || newId() : '',
    driver: isVolume ? driver : '',
    writable: spec.ReadOnly !== true,
    mode: given.mode,
    propagation: type === 'bind' ? spec.BindOptions?.Propagation || DEFAULT_PROPAGATION : '',
    copyData: isVolume && spec.VolumeOptions?.NoCopy !== true,
    anonymous: isVolume && source === '',
    sourceMustExist: given.sourceMustExist,
    tmpfsOptions: tmpfsOptions(spec),
    spec: { ...spec, Target: destination },
  };
}

function requireVolumeName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  throw invalidParameter(
    name.length < 2
      ? `create ${name}: volume name is too short, names should be at least two alphanumeric characters`
      : `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}
