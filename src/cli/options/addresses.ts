/** Flags that name hosts, addresses and other containers. */

import { isIP } from 'node:net';
import { cut } from './flag.ts';

/** `--add-host name:ip` (or `name=ip`); comes out with a colon. */
export function parseExtraHost(given: string): string {
  const separator = given.includes('=') ? '=' : ':';
  const [name, address] = cut(given, separator);
  if (name === '' || !address) throw new Error(`bad format for add-host: ${JSON.stringify(given)}`);
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (bare !== 'host-gateway' && isIP(bare) === 0) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${name}:${bare}`;
}

/** `--dns`: an address. */
export function parseDnsServer(given: string): string {
  const address = given.trim();
  if (isIP(address) === 0) throw new Error(`IP address is not correctly formatted: ${given}`);
  return address;
}

/** `--dns-search`: a domain, or `.` for none. */
export function parseSearchDomain(given: string): string {
  const domain = given.trim();
  if (domain === '.') return domain;
  const label = '[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9_])?';
  if (!new RegExp(`^(?:${label}|_${label})(?:\\.(?:${label}|_${label}))*\\.?$`).test(domain)) {
    throw new Error(`${domain} is not a valid domain`);
  }
  return domain;
}

/** `--link name[:alias]`. */
export function parseLink(given: string): string {
  if (given === '') throw new Error('empty string specified for links');
  if (given.split(':').length > 2) throw new Error(`bad format for links: ${given}`);
  return given;
}

/** Throws unless `given` is a MAC address as Go's net.ParseMAC takes it. */
export function checkMacAddress(given: string): void {
  const forms = [/^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4}[0-9a-f]{2}$/i, /^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/i];
  if (!forms.some((form) => form.test(given))) throw new Error(`${given} is not a valid mac address`);
}
