import { systemError } from '../base/index.ts';
import type { ImageHistoryEntry } from '../contract/docker/index.ts';
import { familiarString } from '../registry/index.ts';
import type { ImageContext } from './context.ts';
import { chainIds } from './image-config.ts';
import type { Image } from './image-store.ts';

/** Go prints its zero time in seconds so. */
const ZERO_SECONDS = -62_135_596_800;

/** How an image came to be, the last step first. Steps of images that are here bear their ids. */
export function imageHistory(context: ImageContext, image: Image): ImageHistoryEntry[] {
  const chains = chainIds(image.diffIds);
  let used = 0;
  const steps = image.history.map((step): ImageHistoryEntry => {
    let size = 0;
    if (!step.emptyLayer) {
      const chainId = chains[used++];
      if (chainId === undefined) throw systemError('too many non-empty layers in History section');
      size = context.layers.get(chainId)?.size ?? 0;
    }
    return {
      Id: '<missing>',
      Created: step.created === undefined ? ZERO_SECONDS : Number(step.created / 1_000_000_000n),
      CreatedBy: step.createdBy,
      Tags: null,
      Size: size,
      Comment: step.comment,
    };
  });
  steps.reverse();
  let current: Image | undefined = image;
  for (const entry of steps) {
    if (current === undefined) break;
    entry.Id = current.id;
    const tags = context.references.of(current.id).filter(({ digest }) => digest === undefined);
    entry.Tags = tags.length === 0 ? null : tags.map(familiarString);
    current = current.parent === undefined ? undefined : context.images.get(current.parent);
  }
  return steps;
}
