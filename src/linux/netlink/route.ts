import { errnoOf } from '../../base/index.ts';
import { linkIndex } from './link.ts';
import { attribute, decodeAddress, decodeAttributes, encodeAddress, u32 } from './message.ts';
import type {
  AddAddressOperation,
  AddressState,
  Prefix,
  RemoveAddressOperation,
  SetRouteOperation,
} from './operations.ts';
import type { NetlinkSocket } from './socket.ts';

// <linux/rtnetlink.h>, <linux/netlink.h>, <linux/if_addr.h>
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const AF_INET = 2;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const RTA_DST = 1;
const RTA_GATEWAY = 5;
const RTA_TABLE = 15;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;

// struct ifaddrmsg and struct rtmsg
const IFADDR_SIZE = 8;
const ROUTE_SIZE = 12;
const ROUTE_TABLE_OFFSET = 4;
const ADDRESS_BITS = 32;

/** RTM_NEWADDR with the subnet's broadcast address. */
export function addAddress(socket: NetlinkSocket, operation: AddAddressOperation): undefined {
  try {
    socket.request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, addressMessage(socket, operation), describe(operation));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** RTM_DELADDR. */
export function removeAddress(socket: NetlinkSocket, operation: RemoveAddressOperation): undefined {
  try {
    socket.request(RTM_DELADDR, 0, addressMessage(socket, operation), describe(operation));
  } catch (error) {
    if (errnoOf(error) !== 'EADDRNOTAVAIL') throw error;
  }
}

/** RTM_NEWROUTE into the main table. */
export function setRoute(socket: NetlinkSocket, { destination, gateway }: SetRouteOperation): undefined {
  const payload = Buffer.concat([
    routeHeader(destination?.prefixLength ?? 0),
    ...(destination === undefined ? [] : [attribute(RTA_DST, encodeAddress(destination.address))]),
    attribute(RTA_GATEWAY, encodeAddress(gateway)),
  ]);
  socket.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, payload, `route through ${gateway}`);
}

/** RTM_DELROUTE of the default route. */
export function removeDefaultRoute(socket: NetlinkSocket): undefined {
  try {
    socket.request(RTM_DELROUTE, 0, routeHeader(0), 'remove default route');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** The destinations of the main table. */
export function listRoutes(socket: NetlinkSocket): readonly Prefix[] {
  const routes: Prefix[] = [];
  const header = Buffer.alloc(ROUTE_SIZE);
  header[0] = AF_INET;
  socket.dump(RTM_GETROUTE, header, 'list routes', (message) => {
    const attributes = decodeAttributes(message.subarray(ROUTE_SIZE));
    const table = attributes.get(RTA_TABLE)?.readUInt32LE(0) ?? message[ROUTE_TABLE_OFFSET];
    const destination = attributes.get(RTA_DST);
    if (table !== RT_TABLE_MAIN || destination === undefined) return;
    routes.push({ address: decodeAddress(destination), prefixLength: message[1] ?? 0 });
  });
  return routes;
}

/** All IPv4 addresses of the namespace. */
export function listAddresses(socket: NetlinkSocket): readonly AddressState[] {
  const addresses: AddressState[] = [];
  const header = Buffer.alloc(IFADDR_SIZE);
  header[0] = AF_INET;
  socket.dump(RTM_GETADDR, header, 'list addresses', (message) => {
    const attributes = decodeAttributes(message.subarray(IFADDR_SIZE));
    const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
    if (address === undefined) return;
    addresses.push({
      address: decodeAddress(address),
      prefixLength: message[1] ?? 0,
      linkIndex: message.readUInt32LE(4),
    });
  });
  return addresses;
}

function addressMessage(socket: NetlinkSocket, operation: AddAddressOperation | RemoveAddressOperation): Buffer {
  const header = Buffer.alloc(IFADDR_SIZE);
  header[0] = AF_INET;
  header[1] = operation.prefixLength;
  header.writeUInt32LE(linkIndex(socket, operation.link), 4);
  const address = encodeAddress(operation.address);
  const hostBits = operation.prefixLength >= ADDRESS_BITS ? 0 : 0xffffffff >>> operation.prefixLength;
  const broadcast = u32(0);
  broadcast.writeUInt32BE((address.readUInt32BE(0) | hostBits) >>> 0);
  return Buffer.concat([
    header,
    attribute(IFA_LOCAL, address),
    attribute(IFA_ADDRESS, address),
    attribute(IFA_BROADCAST, broadcast),
  ]);
}

function routeHeader(destinationLength: number): Buffer {
  const header = Buffer.alloc(ROUTE_SIZE);
  header[0] = AF_INET;
  header[1] = destinationLength;
  header[ROUTE_TABLE_OFFSET] = RT_TABLE_MAIN;
  header[ROUTE_TABLE_OFFSET + 1] = RTPROT_STATIC;
  // Scope stays RT_SCOPE_UNIVERSE (0): a route through a gateway.
  header[ROUTE_TABLE_OFFSET + 3] = RTN_UNICAST;
  return header;
}

function describe({ link, address, prefixLength }: AddAddressOperation | RemoveAddressOperation): string {
  return `address ${address}/${prefixLength} of ${link}`;
}
