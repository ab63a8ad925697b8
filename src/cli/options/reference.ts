/** Image references, as far as a client must understand them. */

import { registryOf } from '../client/config.ts';

/** The parts of a reference, as they were given. */
export interface Reference {
  /** Name without tag and digest. */
  readonly name: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** The longest name a repository may have (distribution's limit). */
const MAX_NAME_LENGTH = 255;

/** Parses a reference. Throws docker's texts for what is none. */
export function parseReference(given: string): Reference {
  const [, name = '', tag, digest] =
    /^(.*?)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$/s.exec(
      given,
    ) ?? [];
  const remote =
    registryOf(name) === 'docker.io' && !name.startsWith('docker.io/') ? name : name.slice(name.indexOf('/') + 1);
  if (remote !== remote.toLowerCase()) {
    const full = remote.includes('/') || remote !== name ? remote : `library/${remote}`;
    throw new Error(`invalid reference format: repository name (${full}) must be lowercase`);
  }
  if (!/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/.test(remote)) {
    throw new Error('invalid reference format');
  }
  if (/^[0-9a-f]{64}$/.test(given)) {
    throw new Error(`invalid repository name (${given}), cannot specify 64-byte hexadecimal strings`);
  }
  if (name.length > MAX_NAME_LENGTH) throw new Error('repository name must not be more than 255 characters');
  return { name, tag, digest };
}

/** The reference with `:latest` where neither tag nor digest is given. */
export function withDefaultTag(given: string): string {
  const { tag, digest } = parseReference(given);
  return tag === undefined && digest === undefined ? `${given}:latest` : given;
}

/** The query parameters of POST /images/create for a reference. */
export function pullQuery(given: string): { fromImage: string; tag: string } {
  const { name, tag, digest } = parseReference(given);
  return { fromImage: fullName(name), tag: digest ?? tag ?? 'latest' };
}

/** The name as `docker pull` prints it at the end: with the registry and, on Docker Hub, `library/`. */
export function fullName(name: string): string {
  if (registryOf(name) !== 'docker.io') return name;
  const remote = name.replace(/^docker\.io\//, '');
  return `docker.io/${remote.includes('/') ? remote : `library/${remote}`}`;
}
