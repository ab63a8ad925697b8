import { invalidParameter } from '../base/index.ts';
import { familiarString, parseReference, type Reference, withDefaultTag, withTag } from '../registry/index.ts';
import { announce, exclusively, type ImageContext } from './context.ts';
import { resolveImage } from './resolve.ts';

/** The name that `repo` and `tag` of a request mean; undefined if there is none. Throws invalidParameter. */
export function targetReference(repository: string, tag: string): Reference | undefined {
  if (repository === '') return undefined;
  const reference = parseReference(repository);
  if (reference.digest !== undefined) throw invalidParameter('cannot import digest reference');
  return tag === '' ? withDefaultTag(reference) : withTag(reference, tag);
}

/** Gives an image a further name; taken from another image if that has it. */
export async function tagImage(context: ImageContext, source: string, target: Reference): Promise<void> {
  await exclusively(context, async () => {
    const image = resolveImage(context, source);
    await context.references.update({ set: [[target, image.id]] });
    await context.images.setLastTagged(image.id, context.clock.timestamp());
    announce(context, 'tag', { id: image.id, name: familiarString(target), image });
  });
}
