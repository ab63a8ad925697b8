/** The client's configuration, docker's own `config.json`. */

import { readFileSync } from 'node:fs';
import { errnoOf, messageOf } from '../failure.ts';

/** A registry's credentials as config.json holds them. */
interface StoredCredentials {
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** The keys of config.json that Gantry reads; the others are left alone. */
export interface ClientConfig {
  readonly auths?: Readonly<Record<string, StoredCredentials>>;
  readonly detachKeys?: string;
  readonly httpHeaders?: Readonly<Record<string, string>>;
  readonly psFormat?: string;
  readonly imagesFormat?: string;
  readonly networksFormat?: string;
  readonly volumesFormat?: string;
  /** Variables of proxies given to every container, by engine address or `default`. */
  readonly proxies?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Reads DIRECTORY/config.json; a missing file is an empty configuration. Throws if it is not JSON. */
export function readClientConfig(directory: string): ClientConfig {
  const path = `${directory}/config.json`;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = errnoOf(error);
    if (reason === 'ENOENT' || reason === 'ENOTDIR' || reason === 'EACCES') return {};
    throw new Error(`Error loading config file: ${path}: ${messageOf(error)}`);
  }
}

/** The key docker stores Docker Hub's credentials under. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** The X-Registry-Auth header for an image reference, or undefined if there are no credentials for its registry. */
export function registryAuthHeader(config: ClientConfig, reference: string): string | undefined {
  const registry = registryOf(reference);
  const keys =
    registry === 'docker.io'
      ? [DOCKER_HUB_KEY, 'docker.io', 'index.docker.io']
      : [registry, `https://${registry}`, `http://${registry}`, `https://${registry}/v1/`, `https://${registry}/v2/`];
  const key = keys.find((each) => config.auths?.[each] !== undefined);
  const stored = key === undefined ? undefined : config.auths?.[key];
  if (stored === undefined) return undefined;
  const [username, password] = splitOnce(Buffer.from(stored.auth ?? '', 'base64').toString());
  const body = {
    ...(username ? { username, password } : {}),
    ...(stored.identitytoken ? { identitytoken: stored.identitytoken } : {}),
    ...(stored.registrytoken ? { registrytoken: stored.registrytoken } : {}),
    serveraddress: key,
  };
  return Buffer.from(JSON.stringify(body)).toString('base64url');
}

/** The registry of a reference: the first component if it can be no repository's name, else Docker Hub. */
export function registryOf(reference: string): string {
  const slash = reference.indexOf('/');
  const first = slash < 0 ? '' : reference.slice(0, slash);
  const host = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  return host ? first : 'docker.io';
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** docker's names of the proxy settings and the variables each one sets, in both cases. */
const PROXY_VARIABLES: Readonly<Record<string, string>> = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  noProxy: 'NO_PROXY',
  ftpProxy: 'FTP_PROXY',
  allProxy: 'ALL_PROXY',
};

/** The proxy variables config.json gives to new containers of the engine at `address`, in both cases. */
export function proxyEnvironment(config: ClientConfig, address: string): Map<string, string> {
  const settings = config.proxies?.[address] ?? config.proxies?.default ?? {};
  const variables = new Map<string, string>();
  for (const [key, name] of Object.entries(PROXY_VARIABLES)) {
    const value = settings[key];
    if (!value) continue;
    variables.set(name, value);
    variables.set(name.toLowerCase(), value);
  }
  return variables;
}
