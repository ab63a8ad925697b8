import { type Digest, digestHex } from '../base/index.ts';
import type { ImageDeleteEntry } from '../contract/docker/index.ts';
import type { ChainId } from '../layers/index.ts';
import { familiarString, favourDigest, parseAnyReference, type Reference, withDefaultTag } from '../registry/index.ts';
import { announce, exclusively, type ImageContext, type UsersOf } from './context.ts';
import type { Image } from './image-store.ts';
import { isUnused, planRemoval, type RemovalFacts } from './remove-plan.ts';
import { imageNamed, resolveImage } from './resolve.ts';

export interface RemoveOptions {
  readonly force?: boolean;
  /** Keep parents that nobody needs any more. */
  readonly noprune?: boolean;
  readonly usersOf: UsersOf;
}

/** Removes a name, and the image with it if it was the last one. Returns what was done, in order. */
export async function removeImage(
  context: ImageContext,
  asked: string,
  options: RemoveOptions,
): Promise<ImageDeleteEntry[]> {
  const done: ImageDeleteEntry[] = [];
  const chains = await exclusively(context, async () => {
    const image = resolveImage(context, asked);
    const facts = gatherFacts(context, image, asked, options.usersOf);
    const plan = planRemoval(facts, options.force ?? false);
    const doomed = plan.deleteImage
      ? [image, ...(options.noprune ? [] : prunableParents(context, image, options))]
      : [];
    const gone: { image: Image; chainId: ChainId | undefined }[] = [];
    // The image's file goes first: should the engine die now, its names are forgotten at the next start.
    for (const each of doomed) gone.push({ image: each, chainId: await context.images.delete(each) });
    if (plan.untag.length > 0) await context.references.update({ delete: plan.untag });
    report(context, { image, untag: plan.untag, named: facts.name !== undefined }, done);
    return gone;
  });
  for (const { image, chainId } of chains) {
    announce(context, 'delete', { id: image.id, name: image.id, image });
    done.push({ Deleted: image.id });
    const removed = chainId === undefined ? [] : await context.layers.release(chainId);
    done.push(...removed.map((layer) => ({ Deleted: layer.chainId })));
  }
  return done;
}

function gatherFacts(context: ImageContext, image: Image, asked: string, usersOf: UsersOf): RemovalFacts {
  const isId = digestHex(image.id).startsWith(asked.replace(/^sha256:/, ''));
  return {
    id: image.id,
    asked,
    name: isId ? undefined : nameOf(context, asked, image.id),
    references: context.references.of(image.id),
    users: usersOf(image.id),
    hasChildren: context.images.children(image.id).length > 0,
  };
}

function nameOf(context: ImageContext, asked: string, id: Digest): Reference | undefined {
  const parsed = parseAnyReference(asked);
  if ('id' in parsed || imageNamed(context, parsed)?.id !== id) return undefined;
  return favourDigest(withDefaultTag(parsed));
}

/** Untagging by name is told once for the name, and silently for the digests that go with it; by id once for each. */
function report(
  context: ImageContext,
  removal: { image: Image; untag: readonly Reference[]; named: boolean },
  done: ImageDeleteEntry[],
): void {
  const { image, untag, named } = removal;
  for (const [index, reference] of untag.entries()) {
    if (!named || index === 0) announce(context, 'untag', { id: image.id, name: image.id, image });
    done.push({ Untagged: familiarString(reference) });
  }
}

/** The image's parents that have no name, no other child and no container, up to the first that has. */
function prunableParents(context: ImageContext, image: Image, { usersOf }: RemoveOptions): Image[] {
  const parents: Image[] = [];
  let child = image;
  for (;;) {
    const parent: Image | undefined = child.parent === undefined ? undefined : context.images.get(child.parent);
    if (parent === undefined) return parents;
    const hasChildren = context.images.children(parent.id).some(({ id }) => id !== child.id);
    const references = context.references.of(parent.id).length;
    if (!isUnused({ id: parent.id, users: usersOf(parent.id), hasChildren }, references)) return parents;
    parents.push(parent);
    child = parent;
  }
}
