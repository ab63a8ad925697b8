/** Where the registry of a name answers, and how far it is trusted: decided from the name and the configuration alone. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { DEFAULT_DOMAIN } from './reference.ts';

export interface Endpoint {
  /** `https://host[:port]`, without a slash at the end. */
  readonly base: string;
  /** True if certificates are not checked. */
  readonly insecure: boolean;
  /** True for a copy of Docker Hub; the client's credentials are not for it. */
  readonly mirror: boolean;
}

export interface EndpointOptions {
  /** daemon.json's `insecure-registries`: host names with or without a port, and CIDR blocks. 127.0.0.0/8 is always one. */
  readonly insecureRegistries: readonly string[];
  /** daemon.json's `registry-mirrors`: base URLs of copies of Docker Hub, asked before it. */
  readonly mirrors: readonly string[];
}

/** Docker Hub's own registry. */
const HUB_ENDPOINT: Endpoint = { base: 'https://registry-1.docker.io', insecure: false, mirror: false };

/** dockerd trusts these without being told: only this machine answers there. */
const LOCAL_BLOCKS = ['127.0.0.0/8', '::1/128'];

/** Where to try, in this order. An insecure registry is tried with TLS first, and plainly if that does not work. */
export async function endpointsOf(domain: string, options: EndpointOptions): Promise<Endpoint[]> {
  if (domain === DEFAULT_DOMAIN) {
    const mirrors = options.mirrors.map((base): Endpoint => {
      return { base: base.replace(/\/+$/, ''), insecure: base.startsWith('http:'), mirror: true };
    });
    return [...mirrors, HUB_ENDPOINT];
  }
  const secure = { base: `https://${domain}`, insecure: false, mirror: false };
  if (!(await isInsecure(domain, options.insecureRegistries))) return [secure];
  return [
    { ...secure, insecure: true },
    { base: `http://${domain}`, insecure: true, mirror: false },
  ];
}

/** True if the registry is listed by name, or one of its addresses lies in a listed block. */
export async function isInsecure(domain: string, listed: readonly string[]): Promise<boolean> {
  const host = domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (listed.includes(domain) || listed.includes(host)) return true;
  const blocks = [...LOCAL_BLOCKS, ...listed].filter((entry) => entry.includes('/'));
  const addresses = isIP(host) ? [host] : await addressesOf(host);
  return addresses.some((address) => blocks.some((block) => contains(block, address)));
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

function contains(block: string, address: string): boolean {
  try {
    const parsed = ipaddr.parse(address);
    const [network, length] = ipaddr.parseCIDR(block);
    return parsed.kind() === network.kind() && parsed.match([network, length] as [ipaddr.IPv4, number]);
  } catch {
    return false;
  }
}
