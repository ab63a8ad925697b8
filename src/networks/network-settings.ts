import { EngineError, forbidden, invalidParameter, notFound, unavailable } from '../base/index.ts';
import type { BridgeSettings, IpamConfig, NetworkDriver, NetworkSpec } from './model.ts';
import { contains, covers, formatPrefix, type Ipv4Prefix, parseCidr, parseIpv4 } from './prefix.ts';

/** The names of the networks that are always there. */
export const PREDEFINED_NETWORKS: readonly string[] = ['bridge', 'host', 'none'];

/** Names that are modes of a container, so that no network can have them (dockerd's `runconfig.IsPreDefinedNetwork`). */
const RESERVED_NAMES: readonly string[] = [...PREDEFINED_NETWORKS, 'default'];

const OPTION = {
  bridgeName: 'com.docker.network.bridge.name',
  interContainer: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  mtu: 'com.docker.network.driver.mtu',
} as const;

/** <linux/if.h>: IFNAMSIZ without the final zero. */
const INTERFACE_NAME_LIMIT = 15;

/** Twelve hex digits of the network's id name its bridge. */
const BRIDGE_ID_DIGITS = 12;

/** What a new bridge network was asked to be, checked; the addresses may still be open. */
export interface BridgePlan {
  readonly name: string;
  readonly subnet: Ipv4Prefix | undefined;
  readonly ipRange: Ipv4Prefix | undefined;
  readonly gateway: number | undefined;
  readonly settings: Pick<BridgeSettings, 'mtu' | 'interContainer' | 'masquerade' | 'hostBinding'>;
}

/** Checks a spec's name and driver; throws dockerd's errors. */
export function parseDriver({ name, driver = 'bridge', ipam }: NetworkSpec): NetworkDriver {
  if (name.trim() === '') throw invalidParameter('invalid name: name is empty');
  if (RESERVED_NAMES.includes(name)) throw forbidden(`operation is not permitted on predefined ${name} network `);
  if (driver === 'host' || driver === 'null') throw forbidden(`only one instance of "${driver}" network is allowed`);
  if (driver === 'overlay') {
    throw unavailable(
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  }
  if (driver !== 'bridge' && driver !== '') throw notFound(`plugin "${driver}" not found`);
  const addressDriver = ipam?.driver ?? 'default';
  if (addressDriver !== 'default' && addressDriver !== '') throw notFound(`plugin "${addressDriver}" not found`);
  return 'bridge';
}

/** Checks the spec of a bridge network; throws dockerd's errors. */
export function planBridge(id: string, spec: NetworkSpec, defaultMtu: number): BridgePlan {
  const configs = spec.ipam?.config ?? [];
  const problems = configs.flatMap(problemsOf);
  if (problems.length > 0) throw invalidParameter(`invalid network config:\n${problems.join('\n')}`);
  if (configs.length > 1) throw forbidden("bridge driver doesn't support multiple subnets");
  const options = spec.options ?? {};
  const name = options[OPTION.bridgeName] ?? `br-${id.slice(0, BRIDGE_ID_DIGITS)}`;
  if (name.length > INTERFACE_NAME_LIMIT) throw new EngineError('system', 'numerical result out of range');
  // Stricter than the kernel: the name goes into firewall rules.
  if (!/^[A-Za-z0-9_.-]+$/.test(name) || name === '.' || name === '..') {
    throw invalidParameter(`invalid bridge name "${name}"`);
  }
  const { subnet = '', ipRange = '', gateway = '' } = configs[0] ?? {};
  return {
    name,
    subnet: parseCidr(subnet)?.prefix,
    ipRange: parseCidr(ipRange)?.prefix,
    gateway: parseIpv4(gateway),
    settings: {
      mtu: parseMtu(options[OPTION.mtu]) ?? defaultMtu,
      interContainer: parseBoolean(OPTION.interContainer, options[OPTION.interContainer]) ?? true,
      masquerade: parseBoolean(OPTION.masquerade, options[OPTION.masquerade]) ?? true,
      hostBinding: parseHostBinding(options[OPTION.hostBinding]) ?? '0.0.0.0',
    },
  };
}

function problemsOf({ subnet = '', ipRange = '', gateway = '' }: IpamConfig): string[] {
  const parsed = parseCidr(subnet);
  if (parsed === undefined) return [`invalid subnet ${subnet}: invalid CIDR block notation`];
  const canonical = formatPrefix(parsed.prefix);
  const problems =
    parsed.address === parsed.prefix.first ? [] : [`invalid subnet ${subnet}: it should be ${canonical}`];
  return [
    ...problems,
    ...rangeProblems(ipRange, subnet, parsed.prefix),
    ...gatewayProblems(gateway, subnet, parsed.prefix),
  ];
}

function rangeProblems(ipRange: string, subnetText: string, subnet: Ipv4Prefix): string[] {
  if (ipRange === '') return [];
  const parsed = parseCidr(ipRange);
  if (parsed === undefined) return [`invalid ip-range ${ipRange}: invalid CIDR block notation`];
  if (parsed.address !== parsed.prefix.first) {
    return [`invalid ip-range ${ipRange}: it should be ${formatPrefix(parsed.prefix)}`];
  }
  if (covers(subnet, parsed.prefix)) return [];
  return [`invalid ip-range ${ipRange}: parent subnet ${subnetText} doesn't contain ip-range`];
}

function gatewayProblems(gateway: string, subnetText: string, subnet: Ipv4Prefix): string[] {
  if (gateway === '') return [];
  const address = parseIpv4(gateway);
  if (address === undefined) return [`invalid gateway ${gateway}: invalid address`];
  if (contains(subnet, address)) return [];
  return [`invalid gateway ${gateway}: parent subnet ${subnetText} doesn't contain this address`];
}

/** Go's strconv.ParseBool. */
function parseBoolean(option: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw invalidParameter(
    `failed to parse ${option} value: ${text} (strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax)`,
  );
}

function parseMtu(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[+-]?\d+$/.test(text)) {
    const mtu = Number(text);
    return mtu > 0 ? mtu : undefined;
  }
  throw invalidParameter(
    `failed to parse ${OPTION.mtu} value: ${text} (strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax)`,
  );
}

function parseHostBinding(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (parseIpv4(text) === undefined) {
    throw invalidParameter(`failed to parse ${OPTION.hostBinding} value: ${text} (invalid ip)`);
  }
  return text;
}
