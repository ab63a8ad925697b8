import type { FirewallNetwork, FirewallPort, FirewallState } from './firewall.ts';

// Commands for libnftables, as text. Pure: what they mean for traffic is in firewall.ts.

/** The one table that is ours. Everything in it may be replaced at any time. */
const TABLE = 'ip gantry';

/** Enough of a network's id to name its chains; the same digits name its bridge. */
const CHAIN_ID_DIGITS = 12;

/** NF_IP_PRI_NAT_DST: libnftables before 1.0.7 has no name for it on the output hook. */
const OUTPUT_DNAT_PRIORITY = -100;

/** Where containers ask for names. */
export const NAMES_ADDRESS = '127.0.0.11';

/**
 * The rules that do not depend on what runs. Networks and ports are elements of maps, so that a packet's way through
 * does not grow with their number.
 *
 * `loopback_guard`: our bridges have route_localnet (answers to 127.0.0.1 come back through them), which would let
 * others send to the host's loopback; nothing but `lo` may. `forward_to` ends at the bridge's own chain with a verdict.
 * `guard`: packets between interfaces that are not ours are dropped.
 */
const frame = (guard: boolean) => `
table ${TABLE} {
  map published { type inet_proto . inet_service : ipv4_addr . inet_service ; }
  map published_on { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service ; }
  set masqueraded { type ipv4_addr ; flags interval ; }
  map forward_to { type ifname : verdict ; }
  map forward_from { type ifname : verdict ; }
  map source_nat { type ifname : verdict ; }

  chain loopback_guard {
    type filter hook prerouting priority raw ; policy accept ;
    iifname != "lo" ip daddr 127.0.0.0/8 drop ;
  }
  chain prerouting {
    type nat hook prerouting priority dstnat ; policy accept ;
    fib daddr type local jump publish ;
  }
  chain output {
    type nat hook output priority ${OUTPUT_DNAT_PRIORITY} ; policy accept ;
    fib daddr type local jump publish ;
  }
  chain publish {
    meta l4proto { tcp, udp } dnat ip to ip daddr . meta l4proto . th dport map @published_on ;
    meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @published ;
  }
  chain forward {
    type filter hook forward priority filter ; policy accept ;
    oifname vmap @forward_to ;
    iifname vmap @forward_from ;${guard ? '\n    drop ;' : ''}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat ; policy accept ;
    oifname vmap @source_nat ;
    ip saddr @masqueraded masquerade ;
  }
}
`;

/** One transaction that makes the table say exactly this. */
export function replaceRules({ networks, ports, guardForwarding }: FirewallState): string {
  // Adding first makes the deletion valid when there is no table yet.
  return [
    `add table ${TABLE}`,
    `delete table ${TABLE}`,
    frame(guardForwarding),
    ...networks.map(addNetworkRules),
    ports.length === 0 ? '' : publishRules(ports),
  ].join('\n');
}

/** A network's chains and their entries in the maps. */
export function addNetworkRules(network: FirewallNetwork): string {
  const { bridge, subnet, internal, interContainer, masquerade } = network;
  const { forward, nat } = chainsOf(network);
  const neighbours = `add rule ${TABLE} ${forward} iifname "${bridge}" ${interContainer ? 'accept' : 'drop'}`;
  const lines = [`add chain ${TABLE} ${forward}`];
  if (internal) {
    lines.push(neighbours);
  } else {
    lines.push(
      `add rule ${TABLE} ${forward} ct state established,related accept`,
      `add rule ${TABLE} ${forward} ct status dnat accept`,
      neighbours,
      `add chain ${TABLE} ${nat}`,
      // From the host's loopback, or from a neighbour through a published port: the answer must come back this way.
      `add rule ${TABLE} ${nat} ip saddr 127.0.0.0/8 masquerade`,
      `add rule ${TABLE} ${nat} ip saddr ${subnet} ct status dnat masquerade`,
      `add rule ${TABLE} ${nat} ip saddr ${subnet} accept`,
      `add element ${TABLE} source_nat { "${bridge}" : jump ${nat} }`,
    );
    if (masquerade) lines.push(`add element ${TABLE} masqueraded { ${subnet} }`);
  }
  lines.push(
    `add rule ${TABLE} ${forward} drop`,
    `add element ${TABLE} forward_to { "${bridge}" : jump ${forward} }`,
    `add element ${TABLE} forward_from { "${bridge}" : ${internal ? 'drop' : 'accept'} }`,
  );
  return `${lines.join('\n')}\n`;
}

/** Takes a network's entries and chains out. */
export function removeNetworkRules(network: FirewallNetwork): string {
  const { bridge, subnet, internal, masquerade } = network;
  const { forward, nat } = chainsOf(network);
  const lines = [
    `delete element ${TABLE} forward_to { "${bridge}" }`,
    `delete element ${TABLE} forward_from { "${bridge}" }`,
  ];
  if (!internal) {
    lines.push(`delete element ${TABLE} source_nat { "${bridge}" }`);
    if (masquerade) lines.push(`delete element ${TABLE} masqueraded { ${subnet} }`);
    lines.push(`flush chain ${TABLE} ${nat}`, `delete chain ${TABLE} ${nat}`);
  }
  lines.push(`flush chain ${TABLE} ${forward}`, `delete chain ${TABLE} ${forward}`);
  return `${lines.join('\n')}\n`;
}

/** Adds published ports. */
export function publishRules(ports: readonly FirewallPort[]): string {
  return elementCommands('add', ports, (port) => `${keyOf(port)} : ${port.address} . ${port.containerPort}`);
}

/** Takes published ports out. */
export function unpublishRules(ports: readonly FirewallPort[]): string {
  return elementCommands('delete', ports, keyOf);
}

/** The table inside a container's namespace that leads its questions to our sockets. */
export function namesRules(port: number): string {
  const target = `dnat to ${NAMES_ADDRESS}:${port} ;`;
  return `
add table ${TABLE}
delete table ${TABLE}
table ${TABLE} {
  chain output {
    type nat hook output priority ${OUTPUT_DNAT_PRIORITY} ; policy accept ;
    ip daddr ${NAMES_ADDRESS} udp dport 53 ${target}
    ip daddr ${NAMES_ADDRESS} tcp dport 53 ${target}
  }
}
`;
}

function elementCommands(verb: string, ports: readonly FirewallPort[], render: (port: FirewallPort) => string): string {
  const command = (map: string, of: readonly FirewallPort[]) =>
    of.length === 0 ? '' : `${verb} element ${TABLE} ${map} { ${of.map(render).join(', ')} }\n`;
  return (
    command('published', ports.filter(isEverywhere)) +
    command(
      'published_on',
      ports.filter((p) => !isEverywhere(p)),
    )
  );
}

function isEverywhere({ hostIp }: FirewallPort): boolean {
  return hostIp === '0.0.0.0';
}

function keyOf(port: FirewallPort): string {
  const key = `${port.protocol} . ${port.hostPort}`;
  return isEverywhere(port) ? key : `${port.hostIp} . ${key}`;
}

function chainsOf({ id }: FirewallNetwork) {
  const digits = id.slice(0, CHAIN_ID_DIGITS);
  return { forward: `to_${digits}`, nat: `nat_${digits}` };
}
