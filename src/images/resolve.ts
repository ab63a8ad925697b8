import { notFound } from '../base/index.ts';
import { familiarString, parseAnyReference, type Reference, withDefaultTag } from '../registry/index.ts';
import type { ImageContext } from './context.ts';
import type { Image } from './image-store.ts';

type Stores = Pick<ImageContext, 'images' | 'references'>;

/** The image of a name, digest, id or beginning of an id. Throws notFound `No such image: …`, invalidParameter. */
export function resolveImage(context: Stores, text: string): Image {
  const parsed = parseAnyReference(text);
  if ('id' in parsed) {
    const image = context.images.get(parsed.id);
    if (image === undefined) throw notFound(`No such image: ${parsed.id}`);
    return image;
  }
  const image = imageNamed(context, parsed) ?? context.images.search(text);
  if (image === undefined) throw notFound(`No such image: ${familiarString(withDefaultTag(parsed))}`);
  return image;
}

/** The image that a name means, if there is one. */
export function imageNamed(context: Stores, reference: Reference): Image | undefined {
  const id = context.references.get(reference);
  return id === undefined ? undefined : context.images.get(id);
}
