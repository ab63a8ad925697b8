/**
 * Image references: `[domain/]path[:tag][@digest]`. The grammar, the defaults and the error texts are those of the
 * reference package that dockerd uses (distribution/reference), so that every client's names mean the same here.
 */
import { type Digest, invalidParameter, isDigest } from '../base/index.ts';

/** A normalised name: the domain is always there, and official images have their `library/`. */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** The registry that names without a domain mean, and the folder that names without a slash mean there. */
export const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
const OFFICIAL_FOLDER = 'library';
export const DEFAULT_TAG = 'latest';

/** Longest repository path, without the domain (distribution/reference, RepositoryNameTotalLengthMax). */
const LONGEST_PATH = 255;

const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`;
const PATH_COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const TAG = '[\\w][\\w.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';

const REFERENCE_PATTERN = new RegExp(
  `^(?<domain>${DOMAIN})/(?<path>${PATH_COMPONENT}(?:/${PATH_COMPONENT})*)(?::(?<tag>${TAG}))?(?:@(?<digest>${DIGEST}))?$`,
);
const TAG_PATTERN = new RegExp(`^${TAG}$`);
const IDENTIFIER_PATTERN = /^[a-f0-9]{64}$/;

/** Reads a name as users write it. Throws invalidParameter with dockerd's texts. */
export function parseReference(text: string): Reference {
  if (IDENTIFIER_PATTERN.test(text)) {
    throw invalidParameter(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, remainder] = splitDomain(text);
  const colon = remainder.indexOf(':');
  const name = colon === -1 ? remainder : remainder.slice(0, colon);
  if (name.toLowerCase() !== name) {
    throw invalidParameter(`invalid reference format: repository name (${name}) must be lowercase`);
  }
  const groups = REFERENCE_PATTERN.exec(`${domain}/${remainder}`)?.groups;
  if (groups?.domain === undefined || groups.path === undefined) throw invalidParameter('invalid reference format');
  if (groups.path.length > LONGEST_PATH) {
    throw invalidParameter(
      `invalid reference format: repository name must not be more than ${LONGEST_PATH} characters`,
    );
  }
  return {
    domain: groups.domain,
    path: groups.path,
    ...(groups.tag === undefined ? {} : { tag: groups.tag }),
    ...(groups.digest === undefined ? {} : { digest: checkedDigest(groups.digest) }),
  };
}

/** Reads a name or an image id (64 hex digits, or `sha256:` and those): what most image routes take. */
export function parseAnyReference(text: string): Reference | { readonly id: Digest } {
  if (IDENTIFIER_PATTERN.test(text)) return { id: `sha256:${text}` };
  if (isDigest(text)) return { id: text };
  return parseReference(text);
}

/** The reference with this tag and no digest. Throws invalidParameter `invalid tag format`. */
export function withTag(reference: Reference, tag: string): Reference {
  if (!TAG_PATTERN.test(tag)) throw invalidParameter('invalid tag format');
  return { domain: reference.domain, path: reference.path, tag };
}

/** The repository with this digest and no tag. */
export function withDigest(reference: Reference, digest: Digest): Reference {
  return { domain: reference.domain, path: reference.path, digest };
}

/** The reference with `latest` if it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return isNameOnly(reference) ? withTag(reference, DEFAULT_TAG) : reference;
}

/** The reference without its tag if it also has a digest: the digest alone decides. */
export function favourDigest(reference: Reference): Reference {
  return reference.digest === undefined ? reference : withDigest(reference, reference.digest);
}

/** True if the reference names a whole repository. */
export function isNameOnly(reference: Reference): boolean {
  return reference.tag === undefined && reference.digest === undefined;
}

/** `docker.io/library/busybox`: the name for machines. */
export function fullName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** `busybox`: the name for people. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return fullName(reference);
  const [folder, name, ...more] = reference.path.split('/');
  return folder === OFFICIAL_FOLDER && name !== undefined && more.length === 0 ? name : reference.path;
}

/** `docker.io/library/busybox:latest` */
export function fullString(reference: Reference): string {
  return fullName(reference) + suffix(reference);
}

/** `busybox:latest` */
export function familiarString(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

/** What stands before the first slash is a domain if it looks like a host name, and part of a Docker Hub name if not. */
function splitDomain(text: string): [domain: string, remainder: string] {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(0, slash));
  const isDomain = slash !== -1 && (first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first);
  const domain = !isDomain || first === LEGACY_DEFAULT_DOMAIN ? DEFAULT_DOMAIN : first;
  const remainder = isDomain ? text.slice(slash + 1) : text;
  return [
    domain,
    domain === DEFAULT_DOMAIN && !remainder.includes('/') ? `${OFFICIAL_FOLDER}/${remainder}` : remainder,
  ];
}

function checkedDigest(text: string): Digest {
  if (isDigest(text)) return text;
  const algorithm = text.slice(0, text.indexOf(':'));
  if (algorithm !== 'sha256') throw invalidParameter('invalid reference format: unsupported digest algorithm');
  throw invalidParameter(
    `invalid reference format: invalid checksum digest ${/[A-F]/.test(text) ? 'format' : 'length'}`,
  );
}
