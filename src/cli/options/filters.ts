/** `--filter name=value`, as the API wants filters. */

import { type Flag, repeated } from './flag.ts';

/** A `--filter` flag. */
export function filterFlag(usage: string): Flag<[string, string][]> {
  return repeated(usage, parseFilter, { shorthand: 'f', kind: 'filter' });
}

function parseFilter(given: string): [string, string] {
  const at = given.indexOf('=');
  if (at < 0) throw new Error('bad format of filter (expected name=value)');
  return [given.slice(0, at).trim().toLowerCase(), given.slice(at + 1).trim()];
}

/** The `filters` query parameter; undefined for no filters. */
export function filterQuery(filters: readonly [string, string][]): string | undefined {
  if (filters.length === 0) return undefined;
  const grouped: Record<string, Record<string, true>> = {};
  for (const [name, value] of filters) grouped[name] = { ...grouped[name], [value]: true };
  return JSON.stringify(grouped);
}
