import { invalidParameter } from '../base/index.ts';
import type { Volume } from '../contract/docker/index.ts';

/** `filters` of `GET /volumes`: per key, the values of which one (of `label`: each) must fit. */
export type VolumeFilters = Readonly<Record<string, readonly string[]>>;

const KEYS = new Set(['dangling', 'driver', 'label', 'name']);

/** The filters as one test. Throws invalidParameter with dockerd's texts. */
export function parseVolumeFilters(
  filters: VolumeFilters,
  inUse: (name: string) => boolean,
): (volume: Volume) => boolean {
  for (const key of Object.keys(filters)) if (!KEYS.has(key)) throw invalidParameter(`invalid filter '${key}'`);
  const dangling = parseFlag('dangling', filters.dangling ?? []);
  const names = (filters.name ?? []).map(namePattern);
  const drivers = filters.driver ?? [];
  const labels = filters.label ?? [];
  return (volume) =>
    (dangling === undefined || inUse(volume.Name) !== dangling) &&
    (names.length === 0 || names.some((fits) => fits(volume.Name))) &&
    (drivers.length === 0 || drivers.includes(volume.Driver)) &&
    labels.every((label) => hasLabel(volume.Labels ?? {}, label));
}

function parseFlag(key: string, values: readonly string[]): boolean | undefined {
  if (values.length === 0) return undefined;
  const truthy = values.some((value) => value === 'true' || value === '1');
  const falsy = values.some((value) => value === 'false' || value === '0');
  if (truthy === falsy) throw invalidParameter(`invalid filter '${key}=[${values.join(' ')}]'`);
  return truthy;
}

/** A name filter is a regular expression that may match anywhere; what is none matches as plain text. */
function namePattern(text: string): (name: string) => boolean {
  try {
    const pattern = new RegExp(text);
    return (name) => pattern.test(name);
  } catch {
    return (name) => name === text;
  }
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  if (equals === -1) return wanted in labels;
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}
