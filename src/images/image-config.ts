/** The image config: the JSON document whose digest is the image's id (OCI image-spec config.md, Docker's v1.2). */
import { type Digest, digestOf, isDigest, parseTime, systemError } from '../base/index.ts';
import type { ContainerConfig } from '../contract/docker/index.ts';
import { type ChainId, chainIdOf, type DiffId } from '../layers/index.ts';

/** One step of how an image came to be. */
export interface HistoryStep {
  /** Nanoseconds since 1970; undefined if unknown. */
  readonly created: bigint | undefined;
  readonly createdBy: string;
  readonly comment: string;
  readonly emptyLayer: boolean;
}

/** What the config of an image says, read once. */
export interface ImageConfig {
  readonly id: Digest;
  readonly architecture: string;
  readonly variant: string;
  readonly os: string;
  /** RFC 3339, as the config has it; empty if it has none. */
  readonly created: string;
  readonly author: string;
  readonly comment: string;
  readonly dockerVersion: string;
  readonly hasConfig: boolean;
  /** What containers of the image start from. */
  readonly config: Partial<ContainerConfig>;
  readonly history: readonly HistoryStep[];
  readonly diffIds: readonly DiffId[];
  /** The uppermost layer; undefined for an image without layers. */
  readonly chainId: ChainId | undefined;
}

/** Reads a config. Throws systemError with dockerd's texts if an image cannot be made of it. */
export function parseImageConfig(raw: Buffer): ImageConfig {
  const document = parseDocument(raw);
  const rootfs = document.rootfs as { type?: unknown; diff_ids?: unknown } | null | undefined;
  if (typeof rootfs !== 'object' || rootfs === null) throw systemError('invalid image JSON, no RootFS key');
  const diffIds = listOf(rootfs.diff_ids).map((diffId) => {
    if (typeof diffId !== 'string' || !isDigest(diffId)) throw systemError('invalid checksum digest format');
    return diffId;
  });
  const config = document.config;
  const hasConfig = typeof config === 'object' && config !== null && !Array.isArray(config);
  return {
    id: digestOf(raw),
    architecture: text(document.architecture),
    variant: text(document.variant),
    os: text(document.os),
    created: text(document.created),
    author: text(document.author),
    comment: text(document.comment),
    dockerVersion: text(document.docker_version),
    hasConfig,
    config: hasConfig ? (config as Partial<ContainerConfig>) : {},
    history: listOf(document.history).map(parseStep),
    diffIds,
    chainId: chainIds(diffIds).at(-1),
  };
}

/** The chain id of each layer, lowest first. */
export function chainIds(diffIds: readonly DiffId[]): ChainId[] {
  const chains: ChainId[] = [];
  for (const diffId of diffIds) chains.push(chainIdOf(chains.at(-1), diffId));
  return chains;
}

/** Throws dockerd's text if the image is for another operating system. */
export function requireLinux({ os }: Pick<ImageConfig, 'os'>): void {
  if (os === '' || os.toLowerCase() === 'linux') return;
  throw systemError(
    `image operating system "${os}" cannot be used on this platform: operating system is not supported`,
  );
}

function parseDocument(raw: Buffer): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw.toString('utf8'));
  } catch (error) {
    throw systemError('invalid image JSON', { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null) throw systemError('invalid image JSON, no RootFS key');
  return parsed as Record<string, unknown>;
}

function parseStep(value: unknown): HistoryStep {
  const step = (value ?? {}) as Record<string, unknown>;
  return {
    created: parseTime(text(step.created)),
    createdBy: text(step.created_by),
    comment: text(step.comment),
    emptyLayer: step.empty_layer === true,
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
