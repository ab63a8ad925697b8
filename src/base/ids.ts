import { randomBytes } from 'node:crypto';

/** Length of the short form of an id that clients print (`docker ps`). */
const SHORT_ID_LENGTH = 12;

/** A new random object id: 64 lower-case hex digits, never all decimal in its short form (as dockerd ensures, so that
 * a short id is a valid host name that no resolver takes for a number). */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    if (!/^\d+$/.test(shortId(id))) return id;
  }
}

/** The first twelve characters of an id, without a leading `sha256:`. */
export function shortId(id: string): string {
  const bare = id.startsWith('sha256:') ? id.slice('sha256:'.length) : id;
  return bare.slice(0, SHORT_ID_LENGTH);
}
