import { errnoOf } from '../../base/index.ts';
import { attribute, decodeAttributes, encodeAddress, nested, u8, u16be, u32 } from './message.ts';
import type { FlushConntrackOperation } from './operations.ts';
import type { NetlinkSocket } from './socket.ts';

// <linux/netfilter/nfnetlink.h>, <linux/netfilter/nfnetlink_conntrack.h>
const NFNL_SUBSYS_CTNETLINK = 1;
const CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
const CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | 2;
const GENERIC_HEADER_SIZE = 4;
const AF_INET = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
// CTA_FILTER_F_CTA_… in net/netfilter/nf_conntrack_netlink.c
const FILTER_IP_SRC = 1 << 0;
const FILTER_PROTO_NUM = 1 << 3;
const FILTER_PROTO_DST_PORT = 1 << 5;
const PROTOCOL_NUMBERS = { tcp: 6, udp: 17 } as const;

/**
 * Deletes matching connections. The kernel filters the dump (Linux 5.8; an older one sends everything), each is checked
 * again here, and deleted by its original tuple and id.
 */
export function flushConntrack(socket: NetlinkSocket, operation: FlushConntrackOperation): undefined {
  const deletions: Buffer[] = [];
  socket.dump(CT_GET, Buffer.concat([genericHeader(), ...filter(operation)]), 'list connections', (message) => {
    const attributes = decodeAttributes(message.subarray(GENERIC_HEADER_SIZE));
    const original = attributes.get(CTA_TUPLE_ORIG);
    const id = attributes.get(CTA_ID);
    if (original === undefined || !matches(attributes, operation)) return;
    const tuple = nested(CTA_TUPLE_ORIG, original);
    deletions.push(Buffer.concat([genericHeader(), tuple, ...(id === undefined ? [] : [attribute(CTA_ID, id)])]));
  });
  for (const deletion of deletions) {
    try {
      socket.request(CT_DELETE, 0, deletion, 'forget a connection');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

function filter({ protocol, originalPort, replySource }: FlushConntrackOperation): Buffer[] {
  const number = attribute(CTA_PROTO_NUM, u8(PROTOCOL_NUMBERS[protocol]));
  const original = originalPort === undefined ? [] : [attribute(CTA_PROTO_DST_PORT, u16be(originalPort))];
  const originalFlags = FILTER_PROTO_NUM | (originalPort === undefined ? 0 : FILTER_PROTO_DST_PORT);
  const reply =
    replySource === undefined
      ? []
      : [
          nested(
            CTA_TUPLE_REPLY,
            nested(CTA_TUPLE_IP, attribute(CTA_IP_V4_SRC, encodeAddress(replySource))),
            nested(CTA_TUPLE_PROTO, number),
          ),
        ];
  const replyFlags = replySource === undefined ? 0 : FILTER_IP_SRC | FILTER_PROTO_NUM;
  return [
    nested(CTA_TUPLE_ORIG, nested(CTA_TUPLE_PROTO, number, ...original)),
    ...reply,
    nested(
      CTA_FILTER,
      attribute(CTA_FILTER_ORIG_FLAGS, u32(originalFlags)),
      attribute(CTA_FILTER_REPLY_FLAGS, u32(replyFlags)),
    ),
  ];
}

function matches(connection: ReadonlyMap<number, Buffer>, operation: FlushConntrackOperation): boolean {
  const { protocol, originalPort, replySource } = operation;
  const original = decodeTuple(connection.get(CTA_TUPLE_ORIG));
  const reply = decodeTuple(connection.get(CTA_TUPLE_REPLY));
  return (
    original.protocol.get(CTA_PROTO_NUM)?.[0] === PROTOCOL_NUMBERS[protocol] &&
    (originalPort === undefined || original.protocol.get(CTA_PROTO_DST_PORT)?.readUInt16BE(0) === originalPort) &&
    (replySource === undefined || reply.ip.get(CTA_IP_V4_SRC)?.equals(encodeAddress(replySource)) === true)
  );
}

function decodeTuple(tuple: Buffer | undefined) {
  const parts = decodeAttributes(tuple ?? Buffer.alloc(0));
  return {
    ip: decodeAttributes(parts.get(CTA_TUPLE_IP) ?? Buffer.alloc(0)),
    protocol: decodeAttributes(parts.get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0)),
  };
}

/** struct nfgenmsg for IPv4. */
function genericHeader(): Buffer {
  return Buffer.from([AF_INET, 0, 0, 0]);
}
