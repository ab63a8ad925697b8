/** An IPv4 network: its lowest address as an unsigned number, and the length of its prefix. */
export interface Ipv4Prefix {
  readonly first: number;
  readonly length: number;
}

const ADDRESS_BITS = 32;
const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ADDRESS_PATTERN = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** `172.17.0.2` as a number; undefined if it is no IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  if (!ADDRESS_PATTERN.test(text)) return undefined;
  return text.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
}

/** The opposite of {@link parseIpv4}. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** `172.17.0.1/16`: the address as written, and the network it lies in. Undefined if it is neither. */
export function parseCidr(text: string): { readonly address: number; readonly prefix: Ipv4Prefix } | undefined {
  const [head = '', tail = '', ...rest] = text.split('/');
  const address = parseIpv4(head);
  const length = /^\d{1,2}$/.test(tail) ? Number(tail) : Number.NaN;
  if (address === undefined || rest.length > 0 || !(length <= ADDRESS_BITS)) return undefined;
  return { address, prefix: prefixAround(address, length) };
}

/** The network of that size that `address` lies in. */
export function prefixAround(address: number, length: number): Ipv4Prefix {
  return { first: (address & mask(length)) >>> 0, length };
}

export function formatPrefix({ first, length }: Ipv4Prefix): string {
  return `${formatIpv4(first)}/${length}`;
}

/** The highest address of a network. */
export function lastAddress({ first, length }: Ipv4Prefix): number {
  return (first | ~mask(length)) >>> 0;
}

export function contains(prefix: Ipv4Prefix, address: number): boolean {
  return prefixAround(address, prefix.length).first === prefix.first;
}

export function overlaps(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return a.length <= b.length ? contains(a, b.first) : contains(b, a.first);
}

/** True if every address of `inner` is in `outer`. */
export function covers(outer: Ipv4Prefix, inner: Ipv4Prefix): boolean {
  return outer.length <= inner.length && contains(outer, inner.first);
}

function mask(length: number): number {
  // Shifting by 32 would shift by 0.
  return length === 0 ? 0 : (0xffffffff << (ADDRESS_BITS - length)) >>> 0;
}
