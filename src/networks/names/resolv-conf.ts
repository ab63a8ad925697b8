import { NAMES_ADDRESS } from '../firewall/nftables-rules.ts';

/** What a container's resolv.conf is made of. Each list that is given replaces the host's. */
export interface ResolvConfOptions {
  /** The text of the host's file; empty if it has none. */
  readonly host: string;
  /** `--dns` */
  readonly dns: readonly string[];
  /** `--dns-search`; a lone `.` means none at all. */
  readonly search: readonly string[];
  /** `--dns-option` */
  readonly options: readonly string[];
  /** The container asks the engine's name server. */
  readonly embedded: boolean;
}

export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Where dockerd sends containers that inherit no usable server. */
const FALLBACK_SERVERS: readonly string[] = ['8.8.8.8', '8.8.4.4'];

const HEADER = `# Written by Gantry for this container. Change it freely: a changed file is not written again.\n\n`;

/** Parses resolv.conf(5); what it does not know is ignored. The last `search` line counts. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let search: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword = '', ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) nameservers.push(values[0]);
    if (keyword === 'search' || keyword === 'domain') search = values;
    if (keyword === 'options') options.push(...values);
  }
  return { nameservers, search, options };
}

/** The text of a container's resolv.conf, by dockerd's rules. */
export function resolvConf({ host, dns, search, options, embedded }: ResolvConfOptions): string {
  const inherited = parseResolvConf(host);
  const chosen = {
    nameservers: embedded ? [NAMES_ADDRESS] : serversFor(dns, inherited.nameservers),
    search: search.length > 0 ? search.filter((domain) => domain !== '.') : inherited.search,
    options: options.length > 0 ? options : inherited.options,
  };
  // Names on a user-defined network have no dots, and must not be tried with the host's search domains first.
  const hasNdots = chosen.options.some((option) => option.startsWith('ndots:'));
  const finalOptions = embedded && !hasNdots ? [...chosen.options, 'ndots:0'] : chosen.options;
  return [
    HEADER,
    ...chosen.nameservers.map((server) => `nameserver ${server}\n`),
    chosen.search.length > 0 ? `search ${chosen.search.join(' ')}\n` : '',
    finalOptions.length > 0 ? `options ${finalOptions.join(' ')}\n` : '',
  ].join('');
}

/** A container's loopback is its own, so the host's local servers are of no use to it; nor are IPv6 ones without IPv6. */
function serversFor(dns: readonly string[], inherited: readonly string[]): readonly string[] {
  if (dns.length > 0) return dns;
  const usable = inherited.filter((server) => !server.startsWith('127.') && !server.includes(':'));
  return usable.length > 0 ? usable : FALLBACK_SERVERS;
}
