/** `--mount`, `--volume` and `--tmpfs`. */

import { resolve } from 'node:path';
import type { MountSpec } from '../../contract/docker/index.ts';
import { type Field, notAPair, splitFields, unexpectedKey } from './csv.ts';
import { cut, parseBoolean } from './flag.ts';
import { parseBytes } from './numbers.ts';

/** The parts of a mount while its fields are read. */
interface MountDraft {
  type: string;
  source?: string;
  target: string;
  readOnly?: boolean;
  consistency?: string;
  bind: NonNullable<MountSpec['BindOptions']>;
  volume: NonNullable<MountSpec['VolumeOptions']>;
  image: NonNullable<MountSpec['ImageOptions']>;
  tmpfs: NonNullable<MountSpec['TmpfsOptions']>;
}

/** Keys that may stand without `=true`. */
const SWITCHES = ['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive'];

/** What each key does to the draft. */
const MOUNT_KEYS: Readonly<Record<string, (draft: MountDraft, value: string, field: Field) => void>> = {
  type: (draft, value) => {
    draft.type = value.toLowerCase();
  },
  source: (draft, value) => setSource(draft, value),
  src: (draft, value) => setSource(draft, value),
  target: (draft, value) => setTarget(draft, value),
  dst: (draft, value) => setTarget(draft, value),
  destination: (draft, value) => setTarget(draft, value),
  readonly: (draft, value, field) => setReadOnly(draft, value, field),
  ro: (draft, value, field) => setReadOnly(draft, value, field),
  consistency: (draft, value) => {
    draft.consistency = value.toLowerCase();
  },
  'bind-propagation': (draft, value) => {
    draft.bind.Propagation = value.toLowerCase();
  },
  'bind-nonrecursive': (draft, value, field) => {
    draft.bind.NonRecursive = switchValue(value, field);
  },
  'bind-recursive': (draft, value, field) => setRecursion(draft, value, field),
  'volume-subpath': (draft, value) => {
    draft.volume.Subpath = value;
  },
  'volume-nocopy': (draft, value, field) => {
    draft.volume.NoCopy = switchValue(value, field);
  },
  'volume-label': (draft, value) => {
    draft.volume.Labels = { ...draft.volume.Labels, ...pair(value) };
  },
  'volume-driver': (draft, value) => {
    draft.volume.DriverConfig = { ...draft.volume.DriverConfig, Name: value };
  },
  'volume-opt': (draft, value) => {
    const config = draft.volume.DriverConfig;
    draft.volume.DriverConfig = { ...config, Options: { ...config?.Options, ...pair(value) } };
  },
  'image-subpath': (draft, value) => {
    draft.image.Subpath = value;
  },
  'tmpfs-size': (draft, value, field) => {
    draft.tmpfs.SizeBytes = attempt(() => parseBytes(value), field);
  },
  'tmpfs-mode': (draft, value, field) => {
    draft.tmpfs.Mode = attempt(() => octal(value), field);
  },
};

/** Understands one `--mount` value. */
export function parseMount(given: string): MountSpec {
  const draft: MountDraft = { type: 'volume', target: '', bind: {}, volume: {}, image: {}, tmpfs: {} };
  for (const field of splitFields(given)) {
    const value = field.value ?? (SWITCHES.includes(field.key) ? 'true' : undefined);
    if (value === undefined) throw notAPair(field);
    const set = MOUNT_KEYS[field.key];
    if (set === undefined) throw unexpectedKey(field);
    set(draft, value, field);
  }
  return checkedMount(draft);
}

function checkedMount(draft: MountDraft): MountSpec {
  if (draft.type === '') throw new Error('type is required');
  if (draft.target === '') throw new Error('target is required');
  for (const type of ['bind', 'volume', 'image', 'tmpfs'] as const) {
    if (Object.keys(draft[type]).length > 0 && draft.type !== type) {
      throw new Error(`cannot mix '${type}-*' options with mount type '${draft.type}'`);
    }
  }
  if (draft.bind.ReadOnlyForceRecursive && !draft.readOnly) {
    throw new Error("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
  }
  if (draft.bind.ReadOnlyForceRecursive && draft.bind.Propagation !== 'rprivate') {
    throw new Error(
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    );
  }
  const filled = <T extends object>(options: T): T | undefined =>
    Object.keys(options).length > 0 ? options : undefined;
  return {
    Type: draft.type as MountSpec['Type'],
    Source: draft.type === 'bind' && draft.source?.startsWith('.') ? resolve(draft.source) : draft.source,
    Target: draft.target,
    ReadOnly: draft.readOnly,
    Consistency: draft.consistency,
    BindOptions: filled(draft.bind),
    VolumeOptions: filled(draft.volume),
    ImageOptions: filled(draft.image),
    TmpfsOptions: filled(draft.tmpfs),
  } as MountSpec;
}

function setSource(draft: MountDraft, value: string): void {
  draft.source = value;
}

function setTarget(draft: MountDraft, value: string): void {
  draft.target = value;
}

function setReadOnly(draft: MountDraft, value: string, field: Field): void {
  draft.readOnly = switchValue(value, field);
}

function setRecursion(draft: MountDraft, value: string, field: Field): void {
  switch (value.toLowerCase()) {
    case 'enabled':
      return;
    case 'disabled':
      draft.bind.NonRecursive = true;
      return;
    case 'writable':
      draft.bind.ReadOnlyNonRecursive = true;
      return;
    case 'readonly':
      draft.bind.ReadOnlyForceRecursive = true;
      return;
    default:
      throw new Error(
        `invalid value for ${field.key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
  }
}

const switchValue = (value: string, field: Field) => attempt(() => parseBoolean(value), field);

function attempt<T>(parse: () => T, field: Field): T {
  try {
    return parse();
  } catch {
    throw new Error(`invalid value for ${field.key}: ${field.value ?? ''}`);
  }
}

function octal(value: string): number {
  if (!/^[0-7]+$/.test(value)) throw new Error('not octal');
  return Number.parseInt(value, 8);
}

function pair(value: string): Record<string, string> {
  const [key, rest] = cut(value, '=');
  return { [key]: rest ?? '' };
}

/** Sorts `-v` values into binds of something (`SOURCE:TARGET`) and anonymous volumes (a path alone). */
export function parseVolumes(specs: readonly string[]): {
  binds: string[];
  anonymous: Record<string, Record<string, never>>;
} {
  const binds: string[] = [];
  const anonymous: Record<string, Record<string, never>> = {};
  for (const spec of specs) {
    const [source, target] = cut(spec, ':');
    if (source === '' && target === undefined) throw new Error('invalid empty volume spec');
    if (source === '' || target === undefined) anonymous[spec] = {};
    else binds.push(`${source.startsWith('.') ? resolve(source) : source}:${target}`);
  }
  return { binds, anonymous };
}

/** `--tmpfs PATH[:OPTIONS]` as HostConfig.Tmpfs. */
export function parseTmpfs(specs: readonly string[]): Record<string, string> {
  return Object.fromEntries(specs.map((spec) => cut(spec, ':')).map(([path, options]) => [path, options ?? '']));
}
