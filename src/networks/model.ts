/** The drivers of this engine, by dockerd's names. */
export type NetworkDriver = 'bridge' | 'host' | 'null';

/** One subnet of a network as the API has it. Fields that nobody gave are absent, except for the engine's own choices. */
export interface IpamConfig {
  readonly subnet?: string;
  readonly ipRange?: string;
  readonly gateway?: string;
}

export interface Ipam {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>> | null;
  readonly config: readonly IpamConfig[] | null;
}

/** What `POST /networks/create` asks for. */
export interface NetworkSpec {
  readonly name: string;
  readonly driver?: string;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly enableIpv6?: boolean;
  readonly ipam?: {
    readonly driver?: string;
    readonly options?: Readonly<Record<string, string>> | null;
    readonly config?: readonly IpamConfig[] | null;
  };
  readonly options?: Readonly<Record<string, string>> | null;
  readonly labels?: Readonly<Record<string, string>> | null;
}

/** How a bridge network is made in the kernel. */
export interface BridgeSettings {
  readonly name: string;
  readonly subnet: string;
  /** The subnet was asked for, so containers may ask for addresses. */
  readonly subnetChosen: boolean;
  readonly ipRange?: string;
  /** The bridge's own address. */
  readonly gateway: string;
  readonly mtu: number;
  /** May containers on it talk to each other? */
  readonly interContainer: boolean;
  readonly masquerade: boolean;
  /** Where published ports without a host address are bound. */
  readonly hostBinding: string;
}

/** A network, as it is kept on disk. */
export interface NetworkDocument {
  readonly schemaVersion: 1;
  readonly id: string;
  readonly name: string;
  readonly driver: NetworkDriver;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIpv6: boolean;
  readonly ipam: Ipam;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Present for driver bridge. */
  readonly bridge?: BridgeSettings;
}

/** A running container on a network, as `network inspect` shows it. */
export interface NetworkMember {
  readonly containerId: string;
  readonly name: string;
  readonly endpointId: string;
  readonly macAddress: string;
  /** `172.18.0.2/16`, or empty on host and none. */
  readonly ipv4Address: string;
}

/** A network and who is on it. */
export interface Network extends NetworkDocument {
  /** dockerd's `bridge`, `host`, `none`: always there, never removed. */
  readonly predefined: boolean;
  readonly members: readonly NetworkMember[];
}

/** How a container takes part in one network. */
export interface EndpointRequest {
  /** Id or name. */
  readonly network: string;
  /** Further names on this network. */
  readonly aliases?: readonly string[];
  /** `--ip`. */
  readonly address?: string;
  readonly macAddress?: string;
  /** Highest wins the default route; then the network's name decides. */
  readonly gatewayPriority?: number;
}

/** One port to publish. */
export interface PortRequest {
  readonly protocol: 'tcp' | 'udp';
  readonly containerPort: number;
  /** Empty: the network's default (0.0.0.0). */
  readonly hostIp: string;
  /** 0: any of the ephemeral ports. */
  readonly hostPort: number;
  /** With a range of host ports, its last: the first free one of them is taken. */
  readonly hostPortEnd?: number;
}

/** A port as it was published. */
export interface PublishedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly containerPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
}

/** What a container needs of the network at start. */
export interface SandboxRequest {
  readonly containerId: string;
  /** Without the leading slash. */
  readonly containerName: string;
  readonly hostname: string;
  /** In the order of the interfaces: the first is eth0. One of `host` or `none` stands alone. */
  readonly endpoints: readonly EndpointRequest[];
  readonly ports: readonly PortRequest[];
  /** Where its unknown names are asked for (`--dns`); empty: the host's servers. */
  readonly dnsServers: readonly string[];
}

/** A container on a network, connected. On host and none the addresses are empty. */
export interface Endpoint {
  readonly networkId: string;
  readonly networkName: string;
  readonly endpointId: string;
  /** `eth0`, …; empty on host and none. */
  readonly interfaceName: string;
  /** The host's end; empty on host and none. */
  readonly hostInterfaceName: string;
  readonly address: string;
  readonly prefixLength: number;
  /** Empty on internal networks. */
  readonly gateway: string;
  readonly macAddress: string;
  readonly gatewayPriority: number;
  /** The names that others on the network find it by; empty on the default bridge, host and none. */
  readonly dnsNames: readonly string[];
}

/** A container's network as it was set up; kept in the run directory. */
export interface Sandbox {
  /** 64 hex digits. */
  readonly id: string;
  readonly containerId: string;
  readonly containerName: string;
  readonly hostname: string;
  /** The network namespace's file; undefined: the container uses the host's. */
  readonly path: string | undefined;
  readonly endpoints: readonly Endpoint[];
  /** The endpoint that has the default route; undefined if none has one. */
  readonly gatewayNetworkId: string | undefined;
  readonly ports: readonly PublishedPort[];
  /** What was asked for: the ports come and go with the endpoint that has the default route. */
  readonly portRequests: readonly PortRequest[];
  readonly dnsServers: readonly string[];
  /** The port behind 127.0.0.11:53; undefined if this sandbox uses the servers in its resolv.conf directly. */
  readonly namesPort: number | undefined;
}
