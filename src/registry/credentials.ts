import { invalidParameter } from '../base/index.ts';

/** What a client sent to prove who it is (`X-Registry-Auth`, API definition AuthConfig). */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** An OAuth 2 refresh token, in place of a password. */
  readonly identitytoken?: string;
  /** A bearer token to send as it is. */
  readonly registrytoken?: string;
  readonly serveraddress?: string;
}

/**
 * Reads the `X-Registry-Auth` header: base64 (URL alphabet, padded or not) of a JSON object. An empty or unreadable
 * header means no credentials, as dockerd has it for pulls.
 */
export function parseCredentials(header: string | undefined): Credentials | undefined {
  if (header === undefined || header === '') return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const { username, password, identitytoken, registrytoken, serveraddress } = parsed as Record<string, unknown>;
    const fields = { username, password, identitytoken, registrytoken, serveraddress };
    const given = Object.entries(fields).filter(([, value]) => typeof value === 'string' && value !== '');
    return given.length === 0 ? undefined : (Object.fromEntries(given) as Credentials);
  } catch {
    return undefined;
  }
}

/** One offer of a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case: `basic` or `bearer`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads the offers of `WWW-Authenticate` headers; what is malformed is left out. */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  return headers.flatMap((header) => {
    const match = /^\s*([A-Za-z][\w-]*)\s*(.*)$/s.exec(header);
    if (match?.[1] === undefined) return [];
    const parameters = [...(match[2] ?? '').matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)].map(
      ([, key = '', quoted, plain]) => [key.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''] as const,
    );
    return [{ scheme: match[1].toLowerCase(), parameters: Object.fromEntries(parameters) }];
  });
}

/** The value of an `Authorization` header for a user name and a password. */
export function basicAuthorization({ username = '', password = '' }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** The address of a token service for the wanted scope. Throws invalidParameter if the challenge names none. */
export function tokenUrl(challenge: Challenge, scope: string, account: string | undefined): URL {
  const realm = challenge.parameters.realm;
  if (realm === undefined || !URL.canParse(realm))
    throw invalidParameter('no realm specified for token auth challenge');
  const url = new URL(realm);
  if (account !== undefined) url.searchParams.set('account', account);
  url.searchParams.append('scope', scope);
  if (challenge.parameters.service !== undefined) url.searchParams.set('service', challenge.parameters.service);
  return url;
}
