import type { Clock, Digest, KeyedQueue, Log } from '../base/index.ts';
import type { Layers } from '../layers/index.ts';
import type { Platform, Reference, Registry } from '../registry/index.ts';
import type { DistributionStore } from './distribution-store.ts';
import type { Image, ImageStore } from './image-store.ts';
import type { Downloads } from './pull/downloads.ts';
import type { ReferenceStore } from './reference-store.ts';

/** Something that happened to an image, for `GET /events`. */
export interface ImageEvent {
  readonly type: 'image';
  readonly action: 'pull' | 'tag' | 'untag' | 'delete' | 'load' | 'save' | 'import';
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A container that was made from an image. */
export interface ImageUser {
  readonly id: string;
  readonly running: boolean;
}

/** The containers of an image, asked of whoever knows them. */
export type UsersOf = (image: Digest) => readonly ImageUser[];

/** Everything the verbs work with; made once, by {@link openImages}. */
export interface ImageContext {
  readonly images: ImageStore;
  readonly references: ReferenceStore;
  readonly distribution: DistributionStore;
  readonly downloads: Downloads;
  readonly layers: Layers;
  readonly registry: Registry;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: (event: ImageEvent) => void;
  /** Folder for temporary files; what is left there is removed at the next start. */
  readonly temporaryFolder: string;
  /** What `docker_version` of imported images says. */
  readonly version: string;
  readonly queue: KeyedQueue;
}

/** Temporary files of images begin so; the folder is shared. */
export const TEMPORARY_PREFIX = 'gantry-image-';

/** Runs a change of images or names while no other change runs, so that what was decided upon is still so when done. */
export function exclusively<T>(context: ImageContext, change: () => Promise<T>): Promise<T> {
  return context.queue.run('images', change);
}

/** Announces an event about an image; its labels are attributes too, as dockerd has it. */
export function announce(
  context: ImageContext,
  action: ImageEvent['action'],
  event: { id: string; name: string; image: Image | undefined },
): void {
  const labels = event.image?.config.Labels ?? {};
  context.events({ type: 'image', action, id: event.id, attributes: { ...labels, name: event.name } });
}

/**
 * Makes an image of a config whose layers exist, and gives it names, so that a crash leaves no image that nobody asked
 * for: the names go to disk first, and those of missing images are forgotten at the next start. Only where that would
 * lose a name that means another image, the image goes first.
 */
export async function commitImage(
  context: ImageContext,
  raw: Buffer,
  id: Digest,
  names: readonly Reference[],
  options: { parent?: Digest } = {},
): Promise<Image> {
  const { images, references } = context;
  const change = { set: names.map((name) => [name, id] as const) };
  const displaces = names.some((name) => ![undefined, id].includes(references.get(name)));
  const known = images.get(id);
  if (known !== undefined || displaces || names.length === 0) {
    const image = await images.add(raw, options);
    if (names.some((name) => references.get(name) !== id)) await references.update(change);
    return image;
  }
  await references.update(change);
  try {
    return await images.add(raw, options);
  } catch (error) {
    await references.update({ delete: names });
    throw error;
  }
}
