// Netlink messages and attributes as netlink(7) and rtnetlink(7) lay them out: host byte order, 4-byte alignment.

const HEADER_SIZE = 16;
const ATTRIBUTE_HEADER_SIZE = 4;
const ALIGNMENT = 4;
const NESTED_FLAG = 0x8000;
// The two top bits of an attribute's type are flags (nested, network byte order).
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** A received message. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** A whole message, ready to send. */
export function encodeMessage(type: number, flags: number, sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt32LE(HEADER_SIZE + payload.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, payload]);
}

/** The messages of one datagram; the payloads share its memory. */
export function* decodeMessages(datagram: Buffer): Generator<Message> {
  for (let offset = 0; offset + HEADER_SIZE <= datagram.length; ) {
    const length = datagram.readUInt32LE(offset);
    if (length < HEADER_SIZE) return;
    yield {
      type: datagram.readUInt16LE(offset + 4),
      flags: datagram.readUInt16LE(offset + 6),
      sequence: datagram.readUInt32LE(offset + 8),
      payload: datagram.subarray(offset + HEADER_SIZE, offset + length),
    };
    offset += aligned(length);
  }
}

/** One attribute with its padding. */
export function attribute(type: number, value: Buffer): Buffer {
  const size = ATTRIBUTE_HEADER_SIZE + value.length;
  const buffer = Buffer.alloc(aligned(size));
  buffer.writeUInt16LE(size, 0);
  buffer.writeUInt16LE(type, 2);
  value.copy(buffer, ATTRIBUTE_HEADER_SIZE);
  return buffer;
}

/** An attribute that holds attributes. */
export function nested(type: number, ...attributes: readonly Buffer[]): Buffer {
  return attribute(type | NESTED_FLAG, Buffer.concat(attributes));
}

/** Attribute values: zero-terminated text, 8-bit, 32-bit, 16-bit and 32-bit big-endian (netfilter's) numbers. */
export const text = (value: string) => Buffer.from(`${value}\0`);
export const u8 = (value: number) => Buffer.from([value]);
export const u16be = (value: number) => Buffer.from([value >> 8, value & 0xff]);
export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
export function u32be(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

/** Attributes by type; of several with one type the last counts. */
export function decodeAttributes(buffer: Buffer): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let offset = 0; offset + ATTRIBUTE_HEADER_SIZE <= buffer.length; ) {
    const length = buffer.readUInt16LE(offset);
    if (length < ATTRIBUTE_HEADER_SIZE) break;
    const type = buffer.readUInt16LE(offset + 2) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, buffer.subarray(offset + ATTRIBUTE_HEADER_SIZE, offset + length));
    offset += aligned(length);
  }
  return attributes;
}

/** Text of an attribute without its terminating zero. */
export function decodeText(value: Buffer | undefined): string {
  return value === undefined ? '' : value.toString('utf8').replace(/\0.*$/s, '');
}

/** `02:42:ac:11:00:02` as six bytes. */
export function encodeMac(address: string): Buffer {
  return Buffer.from(address.replaceAll(':', ''), 'hex');
}

export function decodeMac(value: Buffer | undefined): string {
  return value === undefined ? '' : (value.toString('hex').match(/../g) ?? []).join(':');
}

/** `172.17.0.2` as four bytes. */
export function encodeAddress(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

export function decodeAddress(value: Buffer): string {
  return [...value].join('.');
}

function aligned(length: number): number {
  return (length + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}
