import type { ImageSummary } from '../contract/docker/index.ts';
import { familiarString } from '../registry/index.ts';
import type { ImageContext, UsersOf } from './context.ts';
import { createdSeconds, type ImageFilters, parseImageFilters } from './filters.ts';
import { chainIds } from './image-config.ts';
import type { Image } from './image-store.ts';

export interface ListOptions {
  /** Also images that only serve others. */
  readonly all?: boolean;
  readonly filters?: ImageFilters;
  /** Also compute how much of each image others share. */
  readonly sharedSize?: boolean;
  readonly usersOf: UsersOf;
}

/** The images, newest first. Throws invalidParameter for bad filters, notFound for images that filters name. */
export function listImages(context: ImageContext, options: ListOptions): ImageSummary[] {
  const filter = parseImageFilters(context, options.filters ?? {});
  const all = context.images.all();
  const isParent = new Set(all.map(({ parent }) => parent));
  const sharing = options.sharedSize ? countLayerUsers(all) : undefined;
  return all
    .filter((image) => filter.accepts(image) && !(filter.dangling === true && isParent.has(image.id)))
    .flatMap((image): ImageSummary[] => {
      const references = context.references.of(image.id).filter(filter.acceptsName);
      const tags = references.filter(({ digest }) => digest === undefined).map(familiarString);
      const digests = references.filter(({ digest }) => digest !== undefined).map(familiarString);
      if (tags.length === 0 && digests.length === 0) {
        if (isParent.has(image.id) && !options.all) return [];
        if (filter.dangling === false || filter.hasNames) return [];
      } else if (filter.dangling === true && tags.length > 0) return [];
      return [
        {
          Containers: options.usersOf(image.id).length,
          Created: createdSeconds(image),
          Id: image.id,
          Labels: image.config.Labels ?? null,
          ParentId: image.parent ?? '',
          RepoDigests: digests,
          RepoTags: tags,
          SharedSize: sharing === undefined ? -1 : sharedSize(context, image, sharing),
          Size: image.size,
        },
      ];
    })
    .toSorted((one, other) => other.Created - one.Created || (one.Id < other.Id ? -1 : 1));
}

function countLayerUsers(images: readonly Image[]): Map<string, number> {
  const users = new Map<string, number>();
  for (const { diffIds } of images) {
    for (const chainId of chainIds(diffIds)) users.set(chainId, (users.get(chainId) ?? 0) + 1);
  }
  return users;
}

function sharedSize(context: ImageContext, image: Image, users: ReadonlyMap<string, number>): number {
  const shared = chainIds(image.diffIds).filter((chainId) => (users.get(chainId) ?? 0) > 1);
  return shared.reduce((sum, chainId) => sum + (context.layers.get(chainId)?.size ?? 0), 0);
}
