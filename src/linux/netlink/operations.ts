/** Makes a bridge, up or not; EEXIST if a link has the name. */
export interface MakeBridgeOperation {
  readonly op: 'makeBridge';
  readonly name: string;
  readonly macAddress?: string;
  readonly mtu?: number;
  readonly namespace?: string;
}

/**
 * Makes a veth pair in one step: our end `name` enslaved to `bridge` and up, the other end `peer.name` inside
 * `peer.namespace`, still down, with its hardware address.
 */
export interface MakeVethPairOperation {
  readonly op: 'makeVethPair';
  readonly name: string;
  readonly bridge: string;
  readonly mtu: number;
  /** Let the bridge send packets back through the port they came from. */
  readonly hairpin?: boolean;
  /** Let it exchange no frames with other isolated ports of the bridge. */
  readonly isolated?: boolean;
  readonly peer: { readonly name: string; readonly namespace: string; readonly macAddress: string };
}

/** Removes a link (and its veth peer); a missing one is fine. */
export interface RemoveLinkOperation {
  readonly op: 'removeLink';
  readonly link: string;
  readonly namespace?: string;
}

/** Makes a bridge port neither send nor receive, at once; a missing one is fine. */
export interface DisablePortOperation {
  readonly op: 'disablePort';
  readonly link: string;
  readonly namespace?: string;
}

/** Changes what is given of a link. */
export interface ConfigureLinkOperation {
  readonly op: 'configureLink';
  readonly link: string;
  readonly up?: boolean;
  readonly mtu?: number;
  /** Any text of up to 255 bytes that stays with the link (`ip link` shows it). */
  readonly alias?: string;
  readonly namespace?: string;
}

/** Adds an address to a link; fine if it has it already. */
export interface AddAddressOperation {
  readonly op: 'addAddress';
  readonly link: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly namespace?: string;
}

/** Removes an address from a link; fine if it does not have it. */
export interface RemoveAddressOperation {
  readonly op: 'removeAddress';
  readonly link: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly namespace?: string;
}

/** Adds or replaces the route to `destination` (the default route without one) through `gateway`. */
export interface SetRouteOperation {
  readonly op: 'setRoute';
  readonly destination?: { readonly address: string; readonly prefixLength: number };
  readonly gateway: string;
  readonly namespace?: string;
}

/** Removes the IPv4 default route; fine if there is none. */
export interface RemoveDefaultRouteOperation {
  readonly op: 'removeDefaultRoute';
  readonly namespace?: string;
}

export interface ListLinksOperation {
  readonly op: 'listLinks';
  readonly namespace?: string;
}

/** The IPv4 destinations of the main routing table, the default route left out. */
export interface ListRoutesOperation {
  readonly op: 'listRoutes';
  readonly namespace?: string;
}

/** All IPv4 addresses. */
export interface ListAddressesOperation {
  readonly op: 'listAddresses';
  readonly namespace?: string;
}

/** Forgets connections that match all that is given; none of that kind is fine. */
export interface FlushConntrackOperation {
  readonly op: 'flushConntrack';
  readonly protocol: 'udp' | 'tcp';
  /** The port that the first packet was sent to. */
  readonly originalPort?: number;
  /** The address that answers come from: the container's, after destination NAT. */
  readonly replySource?: string;
  readonly namespace?: string;
}

/** A link as the kernel lists it. */
export interface LinkState {
  readonly index: number;
  readonly name: string;
  /** `bridge`, `veth`, …; empty for hardware. */
  readonly kind: string;
  /** The index of the bridge it is a port of. */
  readonly master?: number;
  readonly up: boolean;
  readonly mtu: number;
  readonly macAddress: string;
  readonly alias?: string;
}

export interface Prefix {
  readonly address: string;
  readonly prefixLength: number;
}

export interface AddressState extends Prefix {
  readonly linkIndex: number;
}

export type NetlinkOperation =
  | MakeBridgeOperation
  | MakeVethPairOperation
  | RemoveLinkOperation
  | ConfigureLinkOperation
  | DisablePortOperation
  | AddAddressOperation
  | RemoveAddressOperation
  | SetRouteOperation
  | RemoveDefaultRouteOperation
  | ListLinksOperation
  | ListRoutesOperation
  | ListAddressesOperation
  | FlushConntrackOperation;

export interface NetlinkResults {
  makeBridge: undefined;
  makeVethPair: undefined;
  removeLink: undefined;
  configureLink: undefined;
  disablePort: undefined;
  addAddress: undefined;
  removeAddress: undefined;
  setRoute: undefined;
  removeDefaultRoute: undefined;
  listLinks: readonly LinkState[];
  listRoutes: readonly Prefix[];
  listAddresses: readonly AddressState[];
  flushConntrack: undefined;
}
