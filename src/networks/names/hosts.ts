/** What a container's /etc/hosts says beyond localhost. */
export interface HostsOptions {
  readonly hostname: string;
  /** `--domainname`; empty if none. */
  readonly domainName: string;
  /** The container's own addresses, one per network. */
  readonly addresses: readonly string[];
  /** `--add-host`, as `name:address` or `name=address`; the address may be `host-gateway`. */
  readonly extraHosts: readonly string[];
  /** What `host-gateway` stands for. */
  readonly hostGateway: string;
}

const LOCAL_NAMES: readonly (readonly [string, string])[] = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::', 'ip6-localnet'],
  ['ff00::', 'ip6-mcastprefix'],
  ['ff02::1', 'ip6-allnodes'],
  ['ff02::2', 'ip6-allrouters'],
];

/** The text of a container's /etc/hosts, line by line as dockerd writes it. */
export function hostsFile(options: HostsOptions): string {
  const { hostname, domainName, addresses } = options;
  const ownNames = domainName === '' ? hostname : `${hostname}.${domainName} ${hostname}`;
  const own = addresses.map((address): readonly [string, string] => [address, ownNames]);
  return [...LOCAL_NAMES, ...extraEntries(options), ...own]
    .map(([address, names]) => `${address}\t${names}\n`)
    .join('');
}

/** The hosts file of a container on the host's network: the host's own, with the extra hosts. */
export function hostsFileOnHost(host: string, options: Pick<HostsOptions, 'extraHosts' | 'hostGateway'>): string {
  const ended = host === '' || host.endsWith('\n') ? host : `${host}\n`;
  return (
    ended +
    extraEntries(options)
      .map(([address, name]) => `${address}\t${name}\n`)
      .join('')
  );
}

function extraEntries({ extraHosts, hostGateway }: Pick<HostsOptions, 'extraHosts' | 'hostGateway'>) {
  return extraHosts.map((entry): readonly [string, string] => {
    // The first separator counts: an IPv6 address has colons of its own.
    const [, name = '', address = ''] = /^([^:=]*)[:=](.*)$/.exec(entry) ?? [];
    return [address === 'host-gateway' ? hostGateway : address.replace(/^\[(.*)\]$/, '$1'), name];
  });
}
