/** What a removal would do, decided without doing it. The rules and texts are dockerd's. */
import { conflict, type Digest, type EngineError, shortId } from '../base/index.ts';
import { familiarName, type Reference } from '../registry/index.ts';
import type { ImageUser } from './context.ts';

/** What a removal must know about the image it was asked to remove. */
export interface RemovalFacts {
  readonly id: Digest;
  /** As the client wrote it. */
  readonly asked: string;
  /** The name that `asked` is, unless it is the beginning of the id. */
  readonly name: Reference | undefined;
  readonly references: readonly Reference[];
  readonly users: readonly ImageUser[];
  readonly hasChildren: boolean;
}

export interface RemovalPlan {
  readonly untag: readonly Reference[];
  /** Whether the image itself goes, too. */
  readonly deleteImage: boolean;
}

/** Throws conflict with dockerd's texts. */
export function planRemoval(facts: RemovalFacts, force: boolean): RemovalPlan {
  return facts.name === undefined ? planById(facts, force) : planByName(facts, facts.name, force);
}

/** Whether the image may go although nobody asked for it by name: a parent nobody needs, or the rest of an untagging. */
export function isUnused(facts: Pick<RemovalFacts, 'id' | 'users' | 'hasChildren'>, references: number): boolean {
  return deleteConflict({ ...facts, references }, { soft: true }) === undefined;
}

function planByName(facts: RemovalFacts, name: Reference, force: boolean): RemovalPlan {
  const [user] = facts.users;
  if (!force && user !== undefined && isSingleName(facts.references)) {
    throw conflict(
      `conflict: unable to remove repository reference ${JSON.stringify(facts.asked)} (must force) - container ` +
        `${shortId(user.id)} is using its referenced image ${shortId(facts.id)}`,
    );
  }
  const others = facts.references.filter((reference) => !isSame(reference, name));
  const sameRepository = others.filter((reference) => familiarName(reference) === familiarName(name));
  const digestsGo = name.digest === undefined && sameRepository.every(({ digest }) => digest !== undefined);
  const untag = [name, ...(digestsGo ? sameRepository : [])];
  const left = facts.references.length - untag.length;
  if (left > 0) return { untag, deleteImage: false };
  // Untagging is what was asked for; that the image must stay for others is no error then.
  return { untag, deleteImage: deleteConflict({ ...facts, references: 0 }, { soft: !force }) === undefined };
}

function planById(facts: RemovalFacts, force: boolean): RemovalPlan {
  const single = isSingleName(facts.references);
  const blocked = deleteConflict({ ...facts, references: single ? 0 : facts.references.length }, { soft: !force });
  if (blocked !== undefined) throw blocked;
  return { untag: facts.references, deleteImage: true };
}

function deleteConflict(
  facts: Pick<RemovalFacts, 'id' | 'users' | 'hasChildren'> & { references: number },
  { soft }: { soft: boolean },
): EngineError | undefined {
  const refusal = (how: 'cannot be forced' | 'must be forced', reason: string) =>
    conflict(`conflict: unable to delete ${shortId(facts.id)} (${how}) - ${reason}`);
  if (facts.hasChildren) return refusal('cannot be forced', 'image has dependent child images');
  const running = facts.users.find((user) => user.running);
  if (running !== undefined) {
    return refusal('cannot be forced', `image is being used by running container ${shortId(running.id)}`);
  }
  if (!soft) return undefined;
  if (facts.references > 0) return refusal('must be forced', 'image is referenced in multiple repositories');
  const [stopped] = facts.users;
  if (stopped === undefined) return undefined;
  return refusal('must be forced', `image is being used by stopped container ${shortId(stopped.id)}`);
}

/** True if all names are one tag and digests of the same repository: then naming the image is naming that. */
function isSingleName(references: readonly Reference[]): boolean {
  const tags = references.filter(({ digest }) => digest === undefined);
  const names = new Set(references.map(familiarName));
  return references.length <= 1 || (tags.length <= 1 && names.size === 1);
}

function isSame(one: Reference, other: Reference): boolean {
  return familiarName(one) === familiarName(other) && one.tag === other.tag && one.digest === other.digest;
}
