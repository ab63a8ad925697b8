import { invalidParameter } from '../../base/index.ts';
import type { Exchange } from '../http/index.ts';

/**
 * The `filters` query parameter: JSON of `{name: [value, …]}` or, from old clients, `{name: {value: true}}`.
 * Throws invalidParameter for anything else.
 */
export function parseFilters(exchange: Exchange): Map<string, string[]> {
  const text = exchange.query.get('filters');
  if (text === null || text === '') return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidFilters();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidFilters();
  return new Map(Object.entries(value).map(([name, values]) => [name, filterValues(values)]));
}

function filterValues(values: unknown): string[] {
  if (Array.isArray(values)) return values.map(String);
  if (typeof values === 'object' && values !== null) {
    return Object.entries(values).flatMap(([value, wanted]) => (wanted ? [value] : []));
  }
  throw invalidFilters();
}

function invalidFilters() {
  return invalidParameter('invalid filter');
}
