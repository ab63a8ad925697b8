/** The client of image registries (distribution specification 1.1). */
import { type Digest, digestOf, isDigest, isKind, systemError } from '../base/index.ts';
import { type DownloadOptions, downloadBlob } from './blob.ts';
import type { Credentials } from './credentials.ts';
import { type EndpointOptions, endpointsOf } from './endpoints.ts';
import { type Descriptor, type ImageIndex, type ImageManifest, MANIFEST_ACCEPT, parseManifest } from './manifest.ts';
import { readLimited, TooLargeError } from './read-limited.ts';
import { familiarString, type Reference } from './reference.ts';
import { pullError, RegistryError } from './registry-errors.ts';
import { openSession, type Session } from './session.ts';
import { cancelled, openTransport, type TransportOptions } from './transport.ts';

export interface RegistryOptions extends Partial<EndpointOptions>, Partial<TransportOptions> {
  /** Attempts at one layer: daemon.json's `max-download-attempts`. */
  readonly downloadAttempts?: number;
  /** Seconds by which the wait between attempts grows. */
  readonly retryStepSeconds?: number;
}

/** Everything that can be asked of registries. */
export interface Registry extends AsyncDisposable {
  /** Finds the registry of a name and greets it. Throws what dockerd's clients expect to read if it does not answer. */
  connect(reference: Reference, options?: ConnectOptions): Promise<Repository>;
}

export interface ConnectOptions {
  readonly credentials?: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One repository of a registry that has answered. Every error is in dockerd's words for the connected reference. */
export interface Repository {
  /** All tags, in the registry's order. */
  tags(signal?: AbortSignal): Promise<string[]>;
  /** The manifest or index of a tag or digest; one asked for by digest is verified. */
  manifest(tagOrDigest: string, signal?: AbortSignal): Promise<ImageManifest | ImageIndex>;
  /** A small blob, in memory, verified. */
  config(descriptor: Descriptor, signal?: AbortSignal): Promise<Buffer>;
  /** Brings a layer to a new file, verified; resumes and repeats. On failure the caller removes the file. */
  download(descriptor: Descriptor, path: string, options?: DownloadOptions): Promise<void>;
}

/** The specification's advice, and the limit of registries: a manifest is at most 4 MiB. */
const LARGEST_MANIFEST = 4 << 20;

/** Image configs are JSON of some kilobytes; the largest known have long histories. */
const LARGEST_CONFIG = 8 << 20;

/** A page of tags is asked for at a time; a registry that never ends its list is stopped at this many pages. */
const MAXIMUM_TAG_PAGES = 1000;

const DEFAULTS = {
  userAgent: 'gantry',
  // dockerd waits for ever; a connection that has been silent this long is not coming back.
  stallMilliseconds: 60_000,
  // As dockerd's dialer.
  connectMilliseconds: 30_000,
  downloadAttempts: 5,
  retryStepSeconds: 5,
} as const;

/** Opens the client. It holds connections until disposed of. */
export function openRegistry(given: RegistryOptions = {}): Registry {
  const options = { ...DEFAULTS, insecureRegistries: [], mirrors: [], ...given };
  const transport = openTransport(options);
  // A registry that speaks only plain HTTP is asked so at once the next time.
  const working = new Map<string, string>();
  return {
    async connect(reference, { credentials, signal } = {}) {
      const endpoints = await endpointsOf(reference.domain, options);
      const known = working.get(reference.domain);
      const ordered = endpoints.toSorted((one, other) => Number(other.base === known) - Number(one.base === known));
      let failure: unknown;
      for (const endpoint of ordered) {
        try {
          const session = await openSession({ transport, endpoint, repository: reference.path, credentials }, signal);
          working.set(reference.domain, endpoint.base);
          return repositoryOf(session, reference, options);
        } catch (error) {
          if (isKind(error, 'cancelled')) throw error;
          failure = error;
        }
      }
      throw failure;
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

function repositoryOf(
  session: Session,
  reference: Reference,
  options: { downloadAttempts: number; retryStepSeconds: number },
): Repository {
  const policy = { attempts: options.downloadAttempts, stepSeconds: options.retryStepSeconds };
  return {
    tags: (signal) => translated(reference, signal, () => listTags(session, signal)),
    manifest: (tagOrDigest, signal) => {
      const subject = isDigest(tagOrDigest)
        ? { ...reference, digest: tagOrDigest }
        : { ...reference, tag: tagOrDigest };
      return translated(subject, signal, () => fetchManifest(session, subject, tagOrDigest, signal));
    },
    config: (descriptor, signal) => translated(reference, signal, () => fetchConfig(session, descriptor, signal)),
    download: (descriptor, path, how = {}) =>
      translated(reference, how.signal, () => downloadBlob(session, descriptor, path, policy, how)),
  };
}

async function translated<T>(
  reference: Reference,
  signal: AbortSignal | undefined,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (signal?.aborted) throw cancelled(error);
    throw pullError(error, reference);
  }
}

async function fetchManifest(
  session: Session,
  subject: Reference,
  tagOrDigest: string,
  signal: AbortSignal | undefined,
): Promise<ImageManifest | ImageIndex> {
  const response = await session.get({
    path: `manifests/${tagOrDigest}`,
    verb: isDigest(tagOrDigest) ? 'Get' : 'Head',
    headers: { accept: MANIFEST_ACCEPT },
    signal,
  });
  const body = await readSmall(response.body, LARGEST_MANIFEST, 'manifest');
  const announced = response.headers['docker-content-digest'];
  const expected = isDigest(tagOrDigest) ? tagOrDigest : announced;
  if (typeof expected === 'string' && isDigest(expected)) verify(body, expected, 'manifest');
  return parseManifest(body, String(response.headers['content-type'] ?? ''), familiarString(subject));
}

async function fetchConfig(session: Session, descriptor: Descriptor, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    if (descriptor.size > LARGEST_CONFIG) throw tooLarge('image config', LARGEST_CONFIG);
    const response = await session.get({ path: `blobs/${descriptor.digest}`, signal });
    const body = await readSmall(response.body, LARGEST_CONFIG, 'image config');
    verify(body, descriptor.digest, 'image config');
    return body;
  } catch (error) {
    if (isKind(error, 'cancelled')) throw error;
    const reason = isKind(error, 'notFound') ? 'unknown blob' : error instanceof Error ? error.message : String(error);
    throw new RegistryError('system', 'CONFIG', `error pulling image configuration: ${reason}`);
  }
}

async function readSmall(body: Parameters<typeof readLimited>[0], limit: number, what: string): Promise<Buffer> {
  try {
    return await readLimited(body, limit);
  } catch (error) {
    if (error instanceof TooLargeError) throw tooLarge(what, limit);
    throw systemError('unexpected EOF', { cause: error });
  }
}

function tooLarge(what: string, limit: number): RegistryError {
  return new RegistryError('system', 'SIZE', `${what} is larger than ${limit} bytes`);
}

function verify(body: Buffer, digest: Digest, what: string): void {
  if (digestOf(body) !== digest) {
    throw new RegistryError('system', 'DIGEST', `${what} verification failed for digest ${digest}`);
  }
}

async function listTags(session: Session, signal: AbortSignal | undefined): Promise<string[]> {
  const tags: string[] = [];
  let path: string | undefined = 'tags/list';
  for (let page = 0; path !== undefined && page < MAXIMUM_TAG_PAGES; page++) {
    const response = await session.get({ path, signal });
    const body = JSON.parse((await readSmall(response.body, LARGEST_MANIFEST, 'list of tags')).toString('utf8')) as {
      tags?: unknown;
    };
    if (Array.isArray(body.tags)) tags.push(...body.tags.filter((tag) => typeof tag === 'string'));
    const next = /<[^>?]*\?([^>]*)>;\s*rel="?next"?/.exec(String(response.headers.link ?? ''))?.[1];
    path = next === undefined ? undefined : `tags/list?${next}`;
  }
  return tags;
}
