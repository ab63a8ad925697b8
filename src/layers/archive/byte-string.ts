import { isUtf8 } from 'node:buffer';

/**
 * A file name as kernels and archives have it: any bytes but zero, one character (U+0000 to U+00FF) per byte. Names are
 * compared, split and joined in this form, so that one that is no UTF-8 text stays what it is.
 */
export type ByteString = string;

/** Bytes as a byte string. */
export function byteString(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Text as the byte string of its UTF-8 form. */
export function byteStringOf(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text).toString('latin1');
}

/** The bytes of a byte string. */
export function bytesOf(name: ByteString): Buffer {
  return Buffer.from(name, 'latin1');
}

/** The text that a byte string is in UTF-8; undefined if it is none. */
export function textOf(name: ByteString): string | undefined {
  if (isAscii(name)) return name;
  const bytes = bytesOf(name);
  return isUtf8(bytes) ? bytes.toString() : undefined;
}

/** A name for people: bytes that are no UTF-8 are replaced. */
export function displayName(name: ByteString): string {
  return isAscii(name) ? name : bytesOf(name).toString();
}

/** A path for `node:fs`. */
export function filePath(name: ByteString): string | Buffer {
  return isAscii(name) ? name : bytesOf(name);
}

/** A path for libc: a Buffer ends in a zero byte. */
export function libcPath(name: ByteString): string | Buffer {
  return isAscii(name) ? name : bytesOf(`${name}\0`);
}

/**
 * An archive's name as a path below the root, without `.`, empty parts and a leading or trailing slash. `..` at the root
 * stays at the root, as a chroot has it. Empty for the root itself.
 */
export function pathInRoot(name: ByteString): ByteString {
  if (isClean(name)) return name;
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** True if the name, absolute or not, climbs above the root. */
export function climbsOut(name: ByteString): boolean {
  let depth = 0;
  for (const part of name.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

function isClean(name: ByteString): boolean {
  return !/(?:^|\/)\.{0,2}(?:\/|$)/.test(name);
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII is
  return /^[\x00-\x7f]*$/.test(text);
}
