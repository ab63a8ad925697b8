import { EngineError, messageOf, systemError } from '../../base/index.ts';
import type { ProgressMessage } from '../../contract/docker/index.ts';
import { type ChainId, type DiffId, WrongDiffId } from '../../layers/index.ts';
import type { Descriptor, Repository } from '../../registry/index.ts';
import type { ImageContext } from '../context.ts';
import { chainIds, type ImageConfig } from '../image-config.ts';
import { layerStatus, type OnProgress, rateLimited } from '../progress.ts';
import type { DownloadedLayer, DownloadStage } from './downloads.ts';

/** dockerd's words for layers that are not those the config lists. */
export const NOT_AS_CONFIGURED = "layers from manifest don't match image configuration";

export interface LayersRequest {
  readonly repository: Repository;
  /** `docker.io/library/busybox` */
  readonly repositoryName: string;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  /** The image's config, which may still be on its way. */
  readonly config: Promise<ImageConfig>;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal | undefined;
  /** Takes over the references to the layers. */
  readonly work: AsyncDisposableStack;
}

/**
 * Brings the layers of an image: those that are here stay, the others are downloaded side by side and unpacked in order.
 * Downloads begin before the config says which layers they are; each is checked against it before it becomes one.
 */
export async function pullLayers(context: ImageContext, request: LayersRequest): Promise<void> {
  await using downloads = new AsyncDisposableStack();
  const leaving = new AbortController();
  const signal = request.signal === undefined ? leaving.signal : AbortSignal.any([request.signal, leaving.signal]);
  const present = await holdPresent(context, request);
  for (const layer of request.layers.slice(0, present)) request.onProgress(layerStatus(layer.digest, 'Already exists'));
  const fetched = request.layers.slice(present).map((layer) => {
    request.onProgress(layerStatus(layer.digest, 'Pulling fs layer'));
    const download = context.downloads.fetch({
      repository: request.repository,
      layer,
      onStage: stageReporter(layer, request.onProgress),
      signal,
    });
    download.catch(() => undefined);
    return download;
  });
  downloads.defer(async () => {
    leaving.abort();
    const settled = await Promise.allSettled(fetched);
    await Promise.all(
      settled.map((one) => (one.status === 'fulfilled' ? one.value[Symbol.asyncDispose]() : undefined)),
    );
  });
  // The first failure of any download ends the pull at once, not when its layer's turn comes.
  const failure = Promise.all(fetched).then(() => new Promise<never>(() => undefined));
  failure.catch(() => undefined);
  const config = await Promise.race([request.config, failure]);
  let top: ChainId | undefined;
  const chains = chainIds(config.diffIds);
  for (const [index, layer] of request.layers.entries()) {
    const diffId = config.diffIds[index];
    const chainId = chains[index];
    if (diffId === undefined || chainId === undefined) break;
    const download = index < present ? undefined : fetched[index - present];
    const next = await placeLayer(context, request, { layer, diffId, chainId, parent: top, download, failure });
    request.work.defer(async () => {
      await context.layers.release(next);
    });
    top = next;
  }
}

/**
 * How many layers from the bottom are known to be here, by what earlier pulls have learned. The uppermost of them is
 * referred to at once, so that a removal meanwhile cannot take it away.
 */
async function holdPresent(context: ImageContext, { layers, work }: LayersRequest): Promise<number> {
  const diffIds: DiffId[] = [];
  for (const { digest } of layers) {
    const diffId = await context.distribution.diffIdOf(digest);
    if (diffId === undefined) break;
    diffIds.push(diffId);
  }
  const chains = chainIds(diffIds);
  const top = chains.findLast((chainId) => context.layers.get(chainId) !== undefined);
  if (top === undefined) return 0;
  context.layers.acquire(top);
  work.defer(async () => {
    await context.layers.release(top);
  });
  return chains.indexOf(top) + 1;
}

/** Makes the layer exist, and takes a reference to it. */
async function placeLayer(
  context: ImageContext,
  request: LayersRequest,
  place: {
    layer: Descriptor;
    diffId: DiffId;
    chainId: ChainId;
    parent: ChainId | undefined;
    download: Promise<DownloadedLayer> | undefined;
    failure: Promise<never>;
  },
): Promise<ChainId> {
  const { layer, diffId, chainId, parent, download } = place;
  const total = layer.size;
  if (download === undefined) {
    if (context.layers.get(chainId) === undefined) throw systemError(NOT_AS_CONFIGURED);
    context.layers.acquire(chainId);
    return chainId;
  }
  const { path } = await Promise.race([download, place.failure]);
  request.onProgress(layerStatus(layer.digest, 'Extracting', { current: 0, total }));
  try {
    await context.layers.register({ path }, parent, diffId);
  } catch (error) {
    if (error instanceof WrongDiffId) throw systemError(NOT_AS_CONFIGURED, { cause: error });
    const message = `failed to register layer: ${messageOf(error)}`;
    throw error instanceof EngineError
      ? new EngineError(error.kind, message, { cause: error })
      : systemError(message, { cause: error });
  }
  request.onProgress(layerStatus(layer.digest, 'Extracting', { current: total, total }));
  await context.distribution.remember(layer.digest, diffId, request.repositoryName);
  request.onProgress(layerStatus(layer.digest, 'Pull complete'));
  return chainId;
}

function stageReporter(layer: Descriptor, onProgress: OnProgress): (stage: DownloadStage) => void {
  const limited = rateLimited(onProgress);
  const total = layer.size;
  const say = (status: string): ProgressMessage => layerStatus(layer.digest, status);
  return (stage) => {
    switch (stage.stage) {
      case 'waiting':
        return onProgress(say('Waiting'));
      case 'downloading':
        return limited(
          layerStatus(layer.digest, 'Downloading', { current: stage.bytes, total }),
          stage.bytes === total,
        );
      case 'retrying':
        return onProgress(say(`Retrying in ${stage.seconds} second${stage.seconds === 1 ? '' : 's'}`));
      case 'verifying':
        return onProgress(say('Verifying Checksum'));
      case 'complete':
        return onProgress(say('Download complete'));
    }
  };
}
