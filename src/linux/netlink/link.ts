import { closeSync, openSync } from 'node:fs';
import { errnoOf } from '../../base/index.ts';
import { attribute, decodeAttributes, decodeMac, decodeText, encodeMac, nested, text, u8, u32 } from './message.ts';
import type {
  ConfigureLinkOperation,
  DisablePortOperation,
  LinkState,
  MakeBridgeOperation,
  MakeVethPairOperation,
  RemoveLinkOperation,
} from './operations.ts';
import type { NetlinkSocket } from './socket.ts';

// <linux/rtnetlink.h>, <linux/netlink.h>
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;

// <linux/if_link.h>
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_STATE = 1;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_ISOLATED = 33;
const BR_STATE_DISABLED = 0;
const VETH_INFO_PEER = 1;
/** Leaves out statistics, which cost more than everything else together. */
const RTEXT_FILTER_SKIP_STATS = 8;

// <linux/if.h>, struct ifinfomsg
const IFF_UP = 1;
const IFINFO_SIZE = 16;
const IFINFO_INDEX_OFFSET = 4;
const IFINFO_FLAGS_OFFSET = 8;

/** RTM_NEWLINK of kind bridge. */
export function makeBridge(socket: NetlinkSocket, { name, macAddress, mtu }: MakeBridgeOperation): undefined {
  const attributes = [
    attribute(IFLA_IFNAME, text(name)),
    ...(macAddress === undefined ? [] : [attribute(IFLA_ADDRESS, encodeMac(macAddress))]),
    ...(mtu === undefined ? [] : [attribute(IFLA_MTU, u32(mtu))]),
    nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text('bridge'))),
  ];
  const payload = Buffer.concat([linkHeader({}), ...attributes]);
  socket.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload, `make bridge ${name}`);
}

/** RTM_NEWLINK of kind veth, our end set up. */
export function makeVethPair(socket: NetlinkSocket, operation: MakeVethPairOperation): undefined {
  const { name, bridge, mtu, peer, hairpin, isolated } = operation;
  const namespace = openSync(peer.namespace, 'r');
  try {
    const peerEnd = Buffer.concat([
      // Not up: the kernel configures this end before the two are connected, and refuses with ENOTCONN.
      linkHeader({}),
      attribute(IFLA_IFNAME, text(peer.name)),
      attribute(IFLA_MTU, u32(mtu)),
      attribute(IFLA_ADDRESS, encodeMac(peer.macAddress)),
      attribute(IFLA_NET_NS_FD, u32(namespace)),
    ]);
    const information = nested(
      IFLA_LINKINFO,
      attribute(IFLA_INFO_KIND, text('veth')),
      nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, peerEnd)),
    );
    const payload = Buffer.concat([
      linkHeader({ up: true }),
      attribute(IFLA_IFNAME, text(name)),
      attribute(IFLA_MTU, u32(mtu)),
      attribute(IFLA_MASTER, u32(linkIndex(socket, bridge))),
      information,
    ]);
    socket.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload, `make veth ${name}`);
  } finally {
    closeSync(namespace);
  }
  const settings = [
    ...(hairpin === true ? [attribute(IFLA_BRPORT_MODE, u8(1))] : []),
    ...(isolated === true ? [attribute(IFLA_BRPORT_ISOLATED, u8(1))] : []),
  ];
  if (settings.length > 0) configurePort(socket, name, settings);
}

/** RTM_DELLINK. */
export function removeLink(socket: NetlinkSocket, { link }: RemoveLinkOperation): undefined {
  const { type, payload } = removeLinkMessage(link);
  try {
    socket.request(type, 0, payload, `remove link ${link}`);
  } catch (error) {
    if (errnoOf(error) !== 'ENODEV') throw error;
  }
}

/** The request that removes a link. */
export function removeLinkMessage(link: string): { readonly type: number; readonly payload: Buffer } {
  return { type: RTM_DELLINK, payload: Buffer.concat([linkHeader({}), attribute(IFLA_IFNAME, text(link))]) };
}

/** Makes a bridge port deaf and mute at once; a missing one is fine. */
export function disablePort(socket: NetlinkSocket, { link }: DisablePortOperation): undefined {
  try {
    configurePort(socket, link, [attribute(IFLA_BRPORT_STATE, u8(BR_STATE_DISABLED))]);
  } catch (error) {
    if (errnoOf(error) !== 'ENODEV') throw error;
  }
}

/** RTM_NEWLINK without NLM_F_CREATE: changes an existing link. */
export function configureLink(socket: NetlinkSocket, { link, up, mtu, alias }: ConfigureLinkOperation): undefined {
  const payload = Buffer.concat([
    linkHeader(up === undefined ? {} : { up }),
    attribute(IFLA_IFNAME, text(link)),
    ...(mtu === undefined ? [] : [attribute(IFLA_MTU, u32(mtu))]),
    ...(alias === undefined ? [] : [attribute(IFLA_IFALIAS, Buffer.from(alias))]),
  ]);
  socket.request(RTM_NEWLINK, 0, payload, `configure link ${link}`);
}

/** All links of the namespace. */
export function listLinks(socket: NetlinkSocket): readonly LinkState[] {
  const links: LinkState[] = [];
  const payload = Buffer.concat([linkHeader({}), attribute(IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS))]);
  socket.dump(RTM_GETLINK, payload, 'list links', (message) => links.push(decodeLink(message)));
  return links;
}

/** The index of a link; ENODEV if there is none. */
export function linkIndex(socket: NetlinkSocket, name: string): number {
  let index = 0;
  const payload = Buffer.concat([
    linkHeader({}),
    attribute(IFLA_IFNAME, text(name)),
    attribute(IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS)),
  ]);
  socket.ask(RTM_GETLINK, payload, `link ${name}`, (message) => {
    index = message.readInt32LE(IFINFO_INDEX_OFFSET);
  });
  return index;
}

function configurePort(socket: NetlinkSocket, name: string, settings: readonly Buffer[]): void {
  const information = nested(
    IFLA_LINKINFO,
    attribute(IFLA_INFO_SLAVE_KIND, text('bridge')),
    nested(IFLA_INFO_SLAVE_DATA, ...settings),
  );
  const payload = Buffer.concat([linkHeader({}), attribute(IFLA_IFNAME, text(name)), information]);
  socket.request(RTM_NEWLINK, 0, payload, `bridge port ${name}`);
}

function decodeLink(message: Buffer): LinkState {
  const attributes = decodeAttributes(message.subarray(IFINFO_SIZE));
  const information = attributes.get(IFLA_LINKINFO);
  const kind = information === undefined ? undefined : decodeAttributes(information).get(IFLA_INFO_KIND);
  const master = attributes.get(IFLA_MASTER)?.readUInt32LE(0);
  const alias = attributes.get(IFLA_IFALIAS);
  return {
    index: message.readInt32LE(IFINFO_INDEX_OFFSET),
    name: decodeText(attributes.get(IFLA_IFNAME)),
    kind: decodeText(kind),
    up: (message.readUInt32LE(IFINFO_FLAGS_OFFSET) & IFF_UP) !== 0,
    mtu: attributes.get(IFLA_MTU)?.readUInt32LE(0) ?? 0,
    macAddress: decodeMac(attributes.get(IFLA_ADDRESS)),
    ...(master === undefined ? {} : { master }),
    ...(alias === undefined ? {} : { alias: decodeText(alias) }),
  };
}

function linkHeader({ up }: { up?: boolean }): Buffer {
  const header = Buffer.alloc(IFINFO_SIZE);
  if (up !== undefined) {
    header.writeUInt32LE(up ? IFF_UP : 0, IFINFO_FLAGS_OFFSET);
    header.writeUInt32LE(IFF_UP, IFINFO_FLAGS_OFFSET + 4);
  }
  return header;
}
