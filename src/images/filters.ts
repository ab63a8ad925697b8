import { invalidParameter, parseTime, systemError } from '../base/index.ts';
import { familiarName, familiarString, type Reference } from '../registry/index.ts';
import type { ImageContext } from './context.ts';
import type { Image } from './image-store.ts';
import { resolveImage } from './resolve.ts';

/** `filters` of `GET /images/json`. */
export type ImageFilters = Readonly<Record<string, readonly string[]>>;

const KEYS = new Set(['dangling', 'label', 'label!', 'before', 'since', 'reference', 'until']);

export interface ParsedFilters {
  readonly dangling: boolean | undefined;
  /** True if names are filtered: images without a name do not fit then. */
  readonly hasNames: boolean;
  accepts(image: Image): boolean;
  acceptsName(reference: Reference): boolean;
}

/** Reads the filters. Throws invalidParameter and notFound with dockerd's texts. */
export function parseImageFilters(context: ImageContext, filters: ImageFilters): ParsedFilters {
  for (const key of Object.keys(filters)) if (!KEYS.has(key)) throw invalidParameter(`invalid filter '${key}'`);
  const dangling = parseFlag('dangling', filters.dangling ?? []);
  const patterns = (filters.reference ?? []).map(pathPattern);
  const before = (filters.before ?? []).map((name) => createdSeconds(resolveImage(context, name)));
  const since = (filters.since ?? []).map((name) => createdSeconds(resolveImage(context, name)));
  const until = (filters.until ?? []).map((text) => parseUntil(text, Date.now()));
  const labels = filters.label ?? [];
  const unwanted = filters['label!'] ?? [];
  return {
    dangling,
    hasNames: patterns.length > 0,
    accepts(image) {
      const created = createdSeconds(image);
      const own = image.config.Labels ?? {};
      return (
        before.every((limit) => created < limit) &&
        since.every((limit) => created > limit) &&
        until.every((limit) => created < limit) &&
        labels.every((label) => hasLabel(own, label)) &&
        !unwanted.some((label) => hasLabel(own, label))
      );
    },
    acceptsName: (reference) =>
      patterns.length === 0 ||
      patterns.some(
        (pattern) =>
          pattern.test(familiarString(reference)) ||
          pattern.test(familiarName(reference)) ||
          (reference.tag !== undefined && pattern.test(`${familiarName(reference)}:${reference.tag}`)),
      ),
  };
}

/** Seconds since 1970; 0 if the image does not say. */
export function createdSeconds(image: Image): number {
  const created = parseTime(image.created);
  return created === undefined ? 0 : Number(created / 1_000_000_000n);
}

function parseFlag(key: string, values: readonly string[]): boolean | undefined {
  if (values.length === 0) return undefined;
  const truthy = values.some((value) => value === 'true' || value === '1');
  const falsy = values.some((value) => value === 'false' || value === '0');
  if (truthy === falsy) throw invalidParameter(`invalid filter '${key}=[${values.join(' ')}]'`);
  return truthy;
}

const DURATION_SECONDS: Readonly<Record<string, number>> = {
  h: 3600,
  m: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
};

/** A Unix time, an RFC 3339 time or date, or a Go duration before now; as seconds since 1970. */
function parseUntil(text: string, nowMilliseconds: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const duration = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(text);
  if (duration) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)];
    const seconds = parts.reduce(
      (sum, [, value, unit = 's']) => sum + Number(value) * (DURATION_SECONDS[unit] ?? 0),
      0,
    );
    return nowMilliseconds / 1000 - seconds;
  }
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw systemError(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return time / 1000;
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  if (equals === -1) return wanted in labels;
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}

/** A pattern of Go's path.Match: `*` and `?` do not match a slash. */
function pathPattern(pattern: string): RegExp {
  let source = '';
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index);
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const end = pattern.indexOf(']', index + 2);
      if (end === -1) throw systemError('syntax error in pattern');
      const body = pattern.slice(index + 1, end).replace(/\\(?!\])/g, '\\\\');
      source += `[${body}]`;
      index = end;
    } else if (character === '\\') source += escapeCharacter(pattern.charAt(++index));
    else source += escapeCharacter(character);
  }
  try {
    return new RegExp(`^${source}$`);
  } catch {
    throw systemError('syntax error in pattern');
  }
}

function escapeCharacter(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
