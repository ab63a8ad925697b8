import { type Digest, digestOf, forbidden, isDigest, systemError } from '../../base/index.ts';
import {
  type Credentials,
  choosePlatform,
  type Descriptor,
  familiarName,
  familiarString,
  favourDigest,
  formatPlatform,
  type ImageManifest,
  isNameOnly,
  normalized,
  type Platform,
  parseReference,
  platformRank,
  type Reference,
  type Repository,
  requireImageConfig,
  withDigest,
  withTag,
} from '../../registry/index.ts';
import { announce, commitImage, exclusively, type ImageContext } from '../context.ts';
import { type ImageConfig, parseImageConfig, requireLinux } from '../image-config.ts';
import type { OnProgress } from '../progress.ts';
import { NOT_AS_CONFIGURED, pullLayers } from './layers.ts';

export interface PullRequest {
  /** A name alone means every tag of the repository. */
  readonly reference: Reference;
  /** Undefined: what this machine runs. */
  readonly platform?: Platform | undefined;
  readonly credentials?: Credentials | undefined;
  readonly onProgress: OnProgress;
  /** Fires when the client has gone away. */
  readonly signal?: AbortSignal | undefined;
}

/** An index that points to indexes is followed only so far. */
const MAXIMUM_INDEX_DEPTH = 3;

/** The name that Dockerfiles use for "no image". */
const RESERVED_NAME = 'scratch';

/** What `POST /images/create?fromImage=…&tag=…` asks for. Throws dockerd's errors. */
export function pullReference(fromImage: string, tag: string): Reference {
  const reference = parseReference(fromImage.replace(/:$/, ''));
  if (familiarName(reference) === RESERVED_NAME) throw forbidden(`'${RESERVED_NAME}' is a reserved name`);
  if (tag === '') return reference;
  if (isDigest(tag)) return withDigest(reference, tag);
  const tagged = withTag(reference, tag);
  return reference.digest === undefined ? tagged : { ...tagged, digest: reference.digest };
}

/** Brings images from a registry. Errors before the first progress message are the request's, later ones the stream's. */
export async function pullImage(context: ImageContext, request: PullRequest): Promise<void> {
  const { reference, onProgress, signal } = request;
  const repository = await context.registry.connect(reference, { credentials: request.credentials, signal });
  const wanted = isNameOnly(reference)
    ? (await repository.tags(signal)).map((tag) => withTag(reference, tag))
    : [reference];
  let changed = false;
  for (const each of wanted) changed = (await pullOne(context, request, repository, each)) || changed;
  const name = familiarString(reference);
  onProgress({
    status: changed ? `Status: Downloaded newer image for ${name}` : `Status: Image is up to date for ${name}`,
  });
  warnAboutPlatform(context, request);
  const id = context.references.get(reference);
  const image = id === undefined ? undefined : context.images.get(id);
  announce(context, 'pull', { id: name, name: familiarName(reference), image });
}

/** @returns whether the name means something else than before */
async function pullOne(
  context: ImageContext,
  request: PullRequest,
  repository: Repository,
  reference: Reference,
): Promise<boolean> {
  const { onProgress, signal } = request;
  const tagOrDigest = reference.digest ?? reference.tag ?? '';
  const found = await repository.manifest(tagOrDigest, signal);
  const label = reference.digest === undefined ? (reference.tag ?? '') : familiarString(reference);
  onProgress({ status: `Pulling from ${reference.path}`, id: label });
  const manifest = await chooseManifest(repository, found, request.platform ?? context.platform, signal);
  requireImageConfig(manifest.config);
  await using work = new AsyncDisposableStack();
  const id = manifest.config.digest;
  const raw = await pullContent(context, { request, repository, reference, manifest, work });
  onProgress({ status: `Digest: ${found.digest}` });
  const name = favourDigest(reference);
  const names = [name, withDigest(reference, found.digest)];
  return await exclusively(context, async () => {
    const before = context.references.get(name);
    await commitImage(context, raw, id, names);
    return before !== id;
  });
}

/** The config, once all layers of the image exist; `work` holds references to them. */
async function pullContent(
  context: ImageContext,
  job: {
    request: PullRequest;
    repository: Repository;
    reference: Reference;
    manifest: ImageManifest;
    work: AsyncDisposableStack;
  },
): Promise<Buffer> {
  const { request, repository, manifest } = job;
  const known = context.images.get(manifest.config.digest);
  if (known?.chainId !== undefined && context.layers.get(known.chainId) !== undefined) {
    holdLayers(context, known, job.work);
    return await context.images.raw(known.id);
  }
  const config = fetchConfig(repository, manifest.config, manifest.layers.length, request.signal);
  const parsed = config.then((fetched) => fetched.parsed);
  // If a download fails first, nobody asks any more what became of the config.
  parsed.catch(() => undefined);
  const repositoryName = `${job.reference.domain}/${job.reference.path}`;
  await pullLayers(context, {
    repository,
    repositoryName,
    layers: manifest.layers,
    config: parsed,
    onProgress: request.onProgress,
    signal: request.signal,
    work: job.work,
  });
  return (await config).raw;
}

function holdLayers(context: ImageContext, { chainId }: ImageConfig, work: AsyncDisposableStack): void {
  if (chainId === undefined) return;
  context.layers.acquire(chainId);
  work.defer(async () => {
    await context.layers.release(chainId);
  });
}

async function fetchConfig(
  repository: Repository,
  descriptor: Descriptor,
  layers: number,
  signal: AbortSignal | undefined,
): Promise<{ raw: Buffer; parsed: ImageConfig }> {
  const raw = await repository.config(descriptor, signal);
  const parsed = parseImageConfig(raw);
  requireLinux(parsed);
  if (parsed.diffIds.length !== layers || layers === 0) {
    throw systemError(NOT_AS_CONFIGURED);
  }
  if (digestOf(raw) !== descriptor.digest)
    throw systemError(`image config verification failed for digest ${descriptor.digest}`);
  return { raw, parsed };
}

async function chooseManifest(
  repository: Repository,
  found: Awaited<ReturnType<Repository['manifest']>>,
  platform: Platform,
  signal: AbortSignal | undefined,
): Promise<ImageManifest> {
  let current = found;
  for (let depth = 0; depth < MAXIMUM_INDEX_DEPTH; depth++) {
    if (current.kind === 'image') return current;
    const chosen = choosePlatform(platform, current.manifests);
    if (chosen === undefined) {
      throw systemError(
        `no matching manifest for ${formatPlatform(normalized(platform))} in the manifest list entries`,
      );
    }
    current = await repository.manifest(chosen.digest, signal);
  }
  throw systemError('too many indexes inside each other');
}

function warnAboutPlatform(context: ImageContext, { reference, platform, onProgress }: PullRequest): void {
  const id: Digest | undefined = isNameOnly(reference) ? undefined : context.references.get(reference);
  const image = id === undefined ? undefined : context.images.get(id);
  if (platform === undefined || image === undefined) return;
  const own = {
    os: image.os,
    architecture: image.architecture,
    ...(image.variant === '' ? {} : { variant: image.variant }),
  };
  if (platformRank(platform, own) !== undefined) return;
  onProgress({
    status:
      `WARNING: image with reference ${familiarString(reference)} was found but its platform (${formatPlatform(own)}) ` +
      `does not match the specified platform (${formatPlatform(platform)})`,
  });
}
