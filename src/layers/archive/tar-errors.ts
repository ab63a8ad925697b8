import { type EngineError, invalidParameter } from '../../base/index.ts';

// The texts are those of Go's archive/tar and io packages, which dockerd passes on to its clients.

/** The archive is no tar archive, or a damaged one. */
export function invalidHeader(detail: string): EngineError {
  return invalidParameter('archive/tar: invalid tar header', { detail: { detail } });
}

/** An extended header is longer than any honest one. */
export function headerTooLong(): EngineError {
  return invalidParameter('archive/tar: header field too long');
}

/** The archive ends in the middle of something. */
export function unexpectedEnd(): EngineError {
  return invalidParameter('unexpected EOF');
}
