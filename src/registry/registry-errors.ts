/**
 * What registries answer when they refuse, in dockerd's words. The texts and the choice of status were observed on
 * dockerd 28.5; the codes are those of the distribution specification ("Error Codes").
 */
import { EngineError, type ErrorKind, messageOf } from '../base/index.ts';
import { familiarName, familiarString, type Reference } from './reference.ts';

interface RegistryCode {
  readonly kind: ErrorKind;
  /** What the registry's own library says for the code; a registry that says just this has said nothing more. */
  readonly usual: string;
}

const CODES: Readonly<Record<string, RegistryCode>> = {
  UNKNOWN: { kind: 'system', usual: 'unknown error' },
  UNSUPPORTED: { kind: 'system', usual: 'The operation is unsupported.' },
  UNAUTHORIZED: { kind: 'unauthorized', usual: 'authentication required' },
  DENIED: { kind: 'forbidden', usual: 'requested access to the resource is denied' },
  UNAVAILABLE: { kind: 'unavailable', usual: 'service unavailable' },
  TOOMANYREQUESTS: { kind: 'system', usual: 'too many requests' },
  NAME_UNKNOWN: { kind: 'notFound', usual: 'repository name not known to registry' },
  NAME_INVALID: { kind: 'invalidParameter', usual: 'invalid repository name' },
  MANIFEST_UNKNOWN: { kind: 'notFound', usual: 'manifest unknown' },
  MANIFEST_INVALID: { kind: 'invalidParameter', usual: 'manifest invalid' },
  BLOB_UNKNOWN: { kind: 'notFound', usual: 'blob unknown to registry' },
  TAG_INVALID: { kind: 'invalidParameter', usual: 'manifest tag did not match URI' },
};

/** A registry's refusal. `final` says that asking again cannot help. */
export class RegistryError extends EngineError {
  readonly code: string;
  /** True if the registry said more than the bare code. */
  readonly hasReason: boolean;
  readonly final: boolean;

  constructor(kind: ErrorKind, code: string, message: string, options: { hasReason?: boolean; final?: boolean } = {}) {
    super(kind, message);
    this.code = code;
    this.hasReason = options.hasReason ?? true;
    this.final = options.final ?? true;
  }
}

/** The error that an answer with a failure status stands for. */
export function refusal(status: number, statusText: string, body: string): RegistryError {
  if (status < 400 || status >= 500) {
    const message = `received unexpected HTTP status: ${status} ${statusText}`.trimEnd();
    return new RegistryError('system', 'UNKNOWN', message, { final: false });
  }
  const first = firstError(body);
  if (first !== undefined) return codedError(first.code, first.message, first.hasDetail);
  const text = detailsOf(body) ?? body;
  if (status === 401) return codedError('UNAUTHORIZED', text, true);
  if (status === 403) return codedError('DENIED', text, true);
  if (status === 429) return codedError('TOOMANYREQUESTS', text, true);
  return codedError('UNKNOWN', text, true);
}

/** The error as the client of a pull sees it: refusals that mean "not there" name what was asked for. */
export function pullError(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryError) || !error.hasReason) return error;
  const cause = messageOf(error);
  const translated = (message: string) => new RegistryError('notFound', error.code, message);
  switch (error.code) {
    case 'DENIED':
      return translated(
        `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${cause}`,
      );
    case 'MANIFEST_UNKNOWN':
      return translated(`manifest for ${familiarString(reference)} not found: ${cause}`);
    case 'NAME_UNKNOWN':
      return translated(`repository ${familiarName(reference)} not found: ${cause}`);
    default:
      return error;
  }
}

function codedError(code: string, message: string, hasDetail: boolean): RegistryError {
  const known = CODES[code] ?? { kind: 'system' as const, usual: '' };
  const name = code.toLowerCase().replaceAll('_', ' ');
  const hasReason = hasDetail || (message !== '' && message !== known.usual);
  return new RegistryError(known.kind, code, hasReason ? `${name}: ${message}` : name, { hasReason });
}

function firstError(body: string): { code: string; message: string; hasDetail: boolean } | undefined {
  const errors = (parseObject(body)?.errors ?? []) as unknown;
  const first = Array.isArray(errors) ? (errors[0] as Record<string, unknown> | undefined) : undefined;
  if (typeof first?.code !== 'string') return undefined;
  const message = typeof first.message === 'string' ? first.message : '';
  return { code: first.code, message, hasDetail: first.detail !== undefined && first.detail !== null };
}

/** Token services answer `{"details": "…"}`. */
function detailsOf(body: string): string | undefined {
  const details = parseObject(body)?.details;
  return typeof details === 'string' ? details : undefined;
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
