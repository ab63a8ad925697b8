/** A conversation with one registry about one repository: authenticated, and repeated where the answer was a challenge. */
import { messageOf } from '../base/index.ts';
import { basicAuthorization, type Challenge, type Credentials, parseChallenges, tokenUrl } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { readLimited } from './read-limited.ts';
import { RegistryError, refusal } from './registry-errors.ts';
import { failure, type HttpResponse, type Transport } from './transport.ts';

export interface SessionOptions {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  /** `library/busybox` */
  readonly repository: string;
  readonly credentials: Credentials | undefined;
}

export interface SessionRequest {
  /** Below `/v2/<repository>/`. */
  readonly path: string;
  /** What errors call the request: dockerd asks for tags with HEAD first. */
  readonly verb?: 'Head' | 'Get';
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Error bodies and token answers are small; more than this is not read. */
const SMALL_BODY_BYTES = 1 << 20;

/** How long a token is good for if its service does not say (distribution's token specification). */
const DEFAULT_TOKEN_SECONDS = 60;

/** The name of this client to OAuth 2 token services; they know Docker's. */
const CLIENT_ID = 'docker';

export interface Session {
  /** The successful answer (2xx); anything else is thrown in dockerd's words. The caller reads or destroys the body. */
  get(request: SessionRequest): Promise<HttpResponse>;
}

/** Greets the registry, to learn whether it answers and what it wants to know. Throws what the network says. */
export async function openSession(options: SessionOptions, signal: AbortSignal | undefined): Promise<Session> {
  const { endpoint, transport } = options;
  const url = new URL(`${endpoint.base}/v2/`);
  const greeting = await transport.send({ method: 'GET', url, signal, insecure: endpoint.insecure });
  await greeting.body.dump().catch(() => undefined);
  const greeted = greeting.status === 401;
  let challenges = greeting.status === 401 ? challengesOf(greeting) : [];
  let authorization: { value: string; expires: number } | undefined;

  const authorize = async (verb: 'Head' | 'Get', target: URL): Promise<string | undefined> => {
    if (authorization !== undefined && Date.now() < authorization.expires) return authorization.value;
    try {
      authorization = await answerChallenges(options, challenges, signal);
    } catch (error) {
      throw explained(verb, target, error);
    }
    return authorization?.value;
  };

  const canAuthorize = async () => {
    try {
      authorization = await answerChallenges(options, challenges, signal);
      return authorization !== undefined;
    } catch (error) {
      if (error instanceof RegistryError) return false;
      throw error;
    }
  };

  return {
    async get({ path, verb = 'Get', headers = {}, signal }) {
      const target = new URL(`${endpoint.base}/v2/${options.repository}/${path}`);
      for (let attempt = 0; ; attempt++) {
        const value = await authorize(verb, target);
        const response = await transport.send({
          method: 'GET',
          verb,
          url: target,
          headers: value === undefined ? headers : { ...headers, authorization: value },
          signal,
          insecure: endpoint.insecure,
        });
        if (response.status >= 200 && response.status < 300) return response;
        const body = (await readLimited(response.body, SMALL_BODY_BYTES).catch(() => Buffer.alloc(0))).toString('utf8');
        const repeated = response.status === 401 ? challengesOf(response) : [];
        if (attempt > 0 || repeated.length === 0) throw refusal(response.status, response.statusText, body);
        challenges = repeated;
        authorization = undefined;
        // A registry that did not ask for credentials when greeted has refused; its answer says more than our failure.
        if (!greeted && !(await canAuthorize())) throw refusal(response.status, response.statusText, body);
      }
    },
  };
}

function challengesOf(response: HttpResponse): Challenge[] {
  const header = response.headers['www-authenticate'];
  return parseChallenges(header === undefined ? [] : Array.isArray(header) ? header : [header]);
}

async function answerChallenges(
  options: SessionOptions,
  challenges: readonly Challenge[],
  signal: AbortSignal | undefined,
): Promise<{ value: string; expires: number } | undefined> {
  const credentials = options.endpoint.mirror ? undefined : options.credentials;
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  if (bearer !== undefined) {
    if (credentials?.registrytoken !== undefined) return forever(`Bearer ${credentials.registrytoken}`);
    return await fetchToken(options, bearer, credentials, signal);
  }
  if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
  if (credentials?.username === undefined) throw new RegistryError('system', 'UNKNOWN', 'no basic auth credentials');
  return forever(basicAuthorization(credentials));
}

function forever(value: string) {
  return { value, expires: Number.POSITIVE_INFINITY };
}

async function fetchToken(
  options: SessionOptions,
  challenge: Challenge,
  credentials: Credentials | undefined,
  signal: AbortSignal | undefined,
): Promise<{ value: string; expires: number }> {
  const scope = `repository:${options.repository}:pull`;
  const asked = Date.now();
  const insecure = options.endpoint.insecure;
  const response =
    credentials?.identitytoken === undefined
      ? await options.transport.send({
          method: 'GET',
          url: tokenUrl(challenge, scope, credentials?.username),
          headers: credentials?.username === undefined ? {} : { authorization: basicAuthorization(credentials) },
          signal,
          insecure,
        })
      : await options.transport.send({
          method: 'POST',
          url: new URL(tokenUrl(challenge, scope, undefined).href.replace(/\?.*$/, '')),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            grant_type: 'refresh_token',
            refresh_token: credentials.identitytoken,
            service: challenge.parameters.service ?? '',
            client_id: CLIENT_ID,
            scope,
          }).toString(),
          signal,
          insecure,
        });
  const body = (await readLimited(response.body, SMALL_BODY_BYTES)).toString('utf8');
  if (response.status < 200 || response.status >= 300) throw refusal(response.status, response.statusText, body);
  return readToken(body, asked);
}

function readToken(body: string, asked: number): { value: string; expires: number } {
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(body) as Record<string, unknown>;
  } catch (error) {
    throw new RegistryError('system', 'UNKNOWN', `unable to decode token response: ${messageOf(error)}`);
  }
  const token = [answer?.token, answer?.access_token].find((value) => typeof value === 'string' && value !== '');
  if (token === undefined) {
    throw new RegistryError('system', 'UNKNOWN', 'authorization server did not include a token in the response');
  }
  const seconds = typeof answer.expires_in === 'number' ? answer.expires_in : 0;
  return { value: `Bearer ${token}`, expires: asked + Math.max(seconds, DEFAULT_TOKEN_SECONDS) * 1000 };
}

/** What went wrong while getting a token, told as part of the request it was for. */
function explained(verb: 'Head' | 'Get', target: URL, error: unknown): unknown {
  if (!(error instanceof RegistryError)) return error;
  return new RegistryError(error.kind, 'TOKEN', failure(verb, target.href, error.message).message);
}
