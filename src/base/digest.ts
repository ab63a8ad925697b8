import { createHash } from 'node:crypto';
import { invalidParameter } from './errors.ts';

/** A content digest, `sha256:` followed by 64 lower-case hex digits (OCI image-spec, descriptor.md). */
export type Digest = `sha256:${string}`;

const DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/;

/** True if `text` is a well-formed sha256 digest. */
export function isDigest(text: string): text is Digest {
  return DIGEST_PATTERN.test(text);
}

/** `text` as a digest; throws invalidParameter if it is none. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw invalidParameter('invalid checksum digest format');
  return text;
}

/** The sha256 digest of some bytes or a UTF-8 text. */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** The 64 hex digits of a digest: its file name on disk. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
