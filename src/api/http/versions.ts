import { invalidParameter } from '../../base/index.ts';
import { API_VERSION, MIN_API_VERSION } from '../../contract/docker/index.ts';

/** An API version such as 1.51, comparable by its minor number (the major number has always been 1). */
export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

const CURRENT = parse(API_VERSION);
const OLDEST = parse(MIN_API_VERSION);

/**
 * Splits `/v1.47/containers/json` into the version and the path behind it; without a prefix the current version holds.
 * Throws invalidParameter, with dockerd's words, for a version out of range.
 */
export function splitVersion(path: string): { version: ApiVersion; path: string } {
  const match = /^\/v(\d+\.\d+)(\/.*)$/.exec(path);
  if (!match?.[1] || !match[2]) return { version: CURRENT, path };
  const version = parse(match[1]);
  if (compare(version, CURRENT) > 0) {
    throw invalidParameter(`client version ${match[1]} is too new. Maximum supported API version is ${API_VERSION}`);
  }
  if (compare(version, OLDEST) < 0) {
    throw invalidParameter(
      `client version ${match[1]} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  return { version, path: match[2] };
}

/** True if the client speaks version 1.`minor` or newer. */
export function isAtLeast(version: ApiVersion, minor: number): boolean {
  return version.major > 1 || version.minor >= minor;
}

function parse(text: string): ApiVersion {
  const [major = '0', minor = '0'] = text.split('.');
  return { major: Number(major), minor: Number(minor) };
}

function compare(left: ApiVersion, right: ApiVersion): number {
  return left.major - right.major || left.minor - right.minor;
}
