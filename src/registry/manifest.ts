/** Image manifests: what registries answer for a tag or a digest (OCI image-spec manifest.md and image-index.md, Docker's schema 2). */
import { type Digest, digestOf, isDigest, systemError } from '../base/index.ts';
import type { Platform } from './platform.ts';

/** A pointer to content (OCI image-spec descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface IndexEntry extends Descriptor {
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageManifest {
  readonly kind: 'image';
  readonly digest: Digest;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly digest: Digest;
  readonly mediaType: string;
  readonly manifests: readonly IndexEntry[];
}

export const MEDIA_TYPES = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
} as const;

/** What the client asks for; without naming them a registry may convert to the oldest format. */
export const MANIFEST_ACCEPT = [
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.dockerList,
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.dockerManifest,
].join(', ');

/** Config types of images; anything else (a Helm chart, a signature) is no image. `octet-stream`: registries of 2016. */
const CONFIG_TYPES: ReadonlySet<string> = new Set([
  MEDIA_TYPES.dockerConfig,
  MEDIA_TYPES.ociConfig,
  'application/octet-stream',
]);

const SCHEMA_1_TYPES = new Set([
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
]);

/** More layers than the kernel can stack (dockerd: 127), with room for images that only exist to be looked at. */
const MAXIMUM_LAYERS = 1024;

/**
 * Reads a manifest as a registry sent it.
 *
 * @param subject the reference as the client wrote it, for texts
 * @throws systemError with dockerd's texts if it is none that can be used
 */
export function parseManifest(body: Buffer, contentType: string, subject: string): ImageManifest | ImageIndex {
  const header = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (SCHEMA_1_TYPES.has(header)) throw schema1Refused(subject);
  const document = parseObject(body);
  const own = typeof document.mediaType === 'string' ? document.mediaType : undefined;
  const mediaType = isManifestType(header) ? header : (own ?? header);
  if (document.schemaVersion === 1) throw schema1Refused(subject);
  if (!isManifestType(mediaType)) throw systemError(`unsupported media type ${mediaType}`);
  const ociOptional = mediaType === MEDIA_TYPES.ociManifest || mediaType === MEDIA_TYPES.ociIndex;
  if (own !== mediaType && !(own === undefined && ociOptional)) {
    throw systemError(`mediaType in manifest should be '${mediaType}' not '${own ?? ''}'`);
  }
  const digest = digestOf(body);
  if (mediaType === MEDIA_TYPES.dockerList || mediaType === MEDIA_TYPES.ociIndex) {
    const manifests = listOf(document.manifests).map(parseIndexEntry);
    return { kind: 'index', digest, mediaType, manifests };
  }
  const layers = listOf(document.layers).map((entry) => parseDescriptor(entry));
  if (layers.length > MAXIMUM_LAYERS) throw systemError(`manifest names ${layers.length} layers: too many`);
  return { kind: 'image', digest, mediaType, config: parseDescriptor(document.config), layers };
}

/** Throws dockerd's text if the manifest is of something else than an image. */
export function requireImageConfig(config: Descriptor): void {
  if (!CONFIG_TYPES.has(config.mediaType)) throw systemError(`unsupported media type ${config.mediaType}`);
}

function isManifestType(mediaType: string): boolean {
  const { dockerManifest, dockerList, ociManifest, ociIndex } = MEDIA_TYPES;
  return ([dockerManifest, dockerList, ociManifest, ociIndex] as string[]).includes(mediaType);
}

function schema1Refused(subject: string): Error {
  return systemError(
    '[DEPRECATION NOTICE] Docker Image Format v1 and Docker Image manifest version 2, schema 1 support is disabled by default ' +
      `and will be removed in an upcoming release. Suggest the author of ${subject} to upgrade the image to the OCI Format ` +
      'or Docker Image manifest v2, schema 2. More information at https://docs.docker.com/go/deprecated-image-specs/',
  );
}

/** The document; what is no JSON object is reported in the words of Go's decoder as far as they are cheap to tell. */
function parseObject(body: Buffer): Record<string, unknown> {
  const text = body.toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    const first = text.trimStart().charAt(0);
    if (first === '' || first === '{' || first === '[') throw systemError('unexpected end of JSON input');
    throw systemError(`error unmarshalling content: invalid character '${first}' looking for beginning of value`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw systemError('error unmarshalling content: json: cannot unmarshal into Go value of type struct');
  }
  return parsed as Record<string, unknown>;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function parseDescriptor(value: unknown): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  if (typeof digest !== 'string' || !isDigest(digest)) throw systemError('invalid checksum digest format');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw systemError(`invalid size in the descriptor of ${digest}`);
  }
  return { mediaType: typeof mediaType === 'string' ? mediaType : '', digest, size };
}

function parseIndexEntry(value: unknown): IndexEntry {
  const descriptor = parseDescriptor(value);
  const { platform, annotations } = value as Record<string, unknown>;
  return {
    ...descriptor,
    ...(isPlatform(platform) ? { platform } : {}),
    ...(isStringMap(annotations) ? { annotations } : {}),
  };
}

function isPlatform(value: unknown): value is Platform {
  const { os, architecture, variant } = (value ?? {}) as Record<string, unknown>;
  const variantFits = variant === undefined || typeof variant === 'string';
  return typeof os === 'string' && typeof architecture === 'string' && variantFits;
}

function isStringMap(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string');
}
