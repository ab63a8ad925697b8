/** The engine's only door to other machines' HTTP servers. */
import { isIP } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { EngineError, errnoOf, messageOf, systemError } from '../base/index.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What errors call the request, if not by its method. */
  readonly verb?: 'Head' | 'Get';
  readonly signal?: AbortSignal | undefined;
  /** Accept any certificate: the registry is listed as insecure. */
  readonly insecure?: boolean;
}

export interface HttpResponse {
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Dispatcher.ResponseData['body'];
}

export interface Transport extends AsyncDisposable {
  /** Sends a request and follows redirects. The caller reads the body to its end or destroys it. Throws dockerd's texts. */
  send(request: HttpRequest): Promise<HttpResponse>;
}

export interface TransportOptions {
  readonly userAgent: string;
  /** How long a registry may send nothing at all before the request fails. */
  readonly stallMilliseconds: number;
  /** Text after `Head`/`Get` in errors is the URL; some servers' names resolve slowly, so connecting has its own bound. */
  readonly connectMilliseconds: number;
}

/** As Go's HTTP client. */
const MAXIMUM_REDIRECTS = 10;

/** Connections are kept only briefly: a pull's requests follow each other closely, and pulls are rare. */
const KEEP_ALIVE_MILLISECONDS = 10_000;

/** Opens the door. Proxies belong here: an agent that picks the proxy by the request's origin. */
export function openTransport(options: TransportOptions): Transport {
  const agentFor = (rejectUnauthorized: boolean) =>
    new Agent({
      keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
      headersTimeout: options.stallMilliseconds,
      bodyTimeout: options.stallMilliseconds,
      connect: { timeout: options.connectMilliseconds, rejectUnauthorized },
    });
  const agents = { strict: agentFor(true), lenient: agentFor(false) };
  return {
    send: (outgoing) => follow(outgoing, outgoing.insecure ? agents.lenient : agents.strict, options.userAgent),
    async [Symbol.asyncDispose]() {
      await Promise.all([agents.strict.destroy(), agents.lenient.destroy()]);
    },
  };
}

async function follow(outgoing: HttpRequest, dispatcher: Dispatcher, userAgent: string): Promise<HttpResponse> {
  let url = outgoing.url;
  let headers: Record<string, string> = { 'user-agent': userAgent, ...outgoing.headers };
  let from = url.href;
  const verb = outgoing.verb ?? outgoing.method;
  for (let hops = 0; hops < MAXIMUM_REDIRECTS; hops++) {
    const response = await sendOnce({ ...outgoing, url, headers }, dispatcher);
    const location = response.headers.location;
    if (response.status < 300 || response.status >= 400 || response.status === 304 || typeof location !== 'string') {
      return response;
    }
    await response.body.dump().catch(() => undefined);
    if (!URL.canParse(location, url)) throw failure(verb, from, `failed to parse Location header "${location}"`);
    const next = new URL(location, url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') {
      throw failure(verb, location, `unsupported protocol scheme "${next.protocol.slice(0, -1)}"`);
    }
    if (next.host !== url.host || (url.protocol === 'https:' && next.protocol === 'http:')) {
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
    }
    url = next;
    from = location;
  }
  throw failure(verb, from, `stopped after ${MAXIMUM_REDIRECTS} redirects`);
}

async function sendOnce(outgoing: HttpRequest, dispatcher: Dispatcher): Promise<HttpResponse> {
  try {
    const response = await request(outgoing.url, {
      dispatcher,
      method: outgoing.method,
      headers: outgoing.headers ?? {},
      body: outgoing.body ?? null,
      ...(outgoing.signal === undefined ? {} : { signal: outgoing.signal }),
    });
    return {
      url: outgoing.url,
      status: response.statusCode,
      statusText: response.statusText,
      headers: response.headers,
      body: response.body,
    };
  } catch (error) {
    if (outgoing.signal?.aborted) throw cancelled(error);
    throw failure(outgoing.verb ?? outgoing.method, outgoing.url.href, networkText(error, outgoing.url), error);
  }
}

/** The client that wanted the answer has gone away. */
export function cancelled(cause?: unknown): EngineError {
  return new EngineError('cancelled', 'context canceled', { cause });
}

/** An error as Go's HTTP client words it: `Get "http://…": reason`. */
export function failure(method: string, url: string, reason: string, cause?: unknown): EngineError {
  const verb = `${method.charAt(0)}${method.slice(1).toLowerCase()}`;
  return systemError(`${verb} "${url}": ${reason}`, cause === undefined ? {} : { cause });
}

/** A network error in Go's words, which dockerd's users know and search for. */
export function networkText(error: unknown, url: URL): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = errnoOf(first) ?? '';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  switch (code) {
    case 'ENOTFOUND':
      return `dial tcp: lookup ${host}: no such host`;
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${host}: Temporary failure in name resolution`;
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `dial tcp ${host}: i/o timeout`;
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'net/http: timeout awaiting response headers';
    case 'UND_ERR_BODY_TIMEOUT':
      return 'context deadline exceeded (Client.Timeout or context cancellation while reading body)';
    case 'UND_ERR_SOCKET':
      return 'EOF';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'http: server gave HTTP response to HTTPS client';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    case 'CERT_HAS_EXPIRED':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
    default:
      return systemCallText(first, code, url);
  }
}

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EPIPE: 'broken pipe',
};

function systemCallText(error: unknown, code: string, url: URL): string {
  const text = ERRNO_TEXTS[code];
  if (text === undefined) return messageOf(error);
  const details = error as { syscall?: string; address?: string; port?: number };
  const address = addressText(details.address ?? url.hostname, details.port ?? portOf(url));
  return details.syscall === 'connect' ? `dial tcp ${address}: connect: ${text}` : `read tcp ${address}: read: ${text}`;
}

function addressText(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}
