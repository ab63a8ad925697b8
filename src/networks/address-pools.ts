import { forbidden, invalidParameter } from '../base/index.ts';
import {
  contains,
  covers,
  formatPrefix,
  type Ipv4Prefix,
  lastAddress,
  overlaps,
  parseCidr,
  prefixAround,
} from './prefix.ts';

/** daemon.json's `default-address-pools` entry: a range that is cut into networks of `size`. */
export interface AddressPool {
  readonly base: string;
  /** The prefix length of each network. */
  readonly size: number;
}

/** dockerd's own pools for bridges (moby, daemon/libnetwork/ipamutils). */
export const DEFAULT_ADDRESS_POOLS: readonly AddressPool[] = [
  { base: '172.17.0.0/16', size: 16 },
  { base: '172.18.0.0/16', size: 16 },
  { base: '172.19.0.0/16', size: 16 },
  { base: '172.20.0.0/14', size: 16 },
  { base: '172.24.0.0/14', size: 16 },
  { base: '172.28.0.0/14', size: 16 },
  { base: '192.168.0.0/16', size: 20 },
];

/** The first network of the pools that overlaps nothing in `taken`. Throws like dockerd when there is none. */
export function chooseSubnet(pools: readonly AddressPool[], taken: readonly Ipv4Prefix[]): Ipv4Prefix {
  for (const { base, size } of pools) {
    const range = parseCidr(base)?.prefix;
    if (range === undefined) throw invalidParameter(`invalid default address pool ${base}`);
    const end = lastAddress(range);
    for (let subnet = prefixAround(range.first, size); ; subnet = { first: lastAddress(subnet) + 1, length: size }) {
      const obstacle = taken.find((other) => overlaps(other, subnet));
      if (obstacle === undefined) return subnet;
      if (covers(obstacle, range) || lastAddress(subnet) >= end) break;
    }
  }
  throw forbidden('all predefined address pools have been fully subnetted');
}

/** Throws like dockerd if `subnet` overlaps another network's. */
export function assertSubnetFree(subnet: Ipv4Prefix, taken: readonly Ipv4Prefix[]): void {
  if (taken.some((other) => overlaps(other, subnet))) {
    throw forbidden('invalid pool request: Pool overlaps with other one on this address space');
  }
}

/** The addresses of one network: who has which. Lowest free first, as dockerd gives them. */
export class AddressAllocator {
  readonly #subnet: Ipv4Prefix;
  readonly #range: Ipv4Prefix;
  readonly #taken = new Set<number>();
  /** No address below it is free. */
  #lowest: number;

  /** @param range where addresses that nobody asked for by name come from; the whole subnet without it */
  constructor(subnet: Ipv4Prefix, range = subnet) {
    this.#subnet = subnet;
    this.#range = range;
    this.#lowest = range.first;
    // RFC 3021: both addresses of a /31 are hosts; otherwise the first names the network and the last is broadcast.
    if (subnet.length < 31) {
      this.#taken.add(subnet.first);
      this.#taken.add(lastAddress(subnet));
    }
  }

  /** The lowest free address. */
  takeAny(): number {
    const end = lastAddress(this.#range);
    for (let address = this.#lowest; address <= end; address += 1) {
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      this.#lowest = address + 1;
      return address;
    }
    throw forbidden(`no available IPv4 addresses on this network's address pools: ${formatPrefix(this.#range)}`);
  }

  /** That address; throws like dockerd if it is taken or of another network. */
  take(address: number): number {
    if (!contains(this.#subnet, address)) throw invalidParameter('Requested address is out of range');
    if (this.#taken.has(address)) throw forbidden('Address already in use');
    this.#taken.add(address);
    return address;
  }

  /** Gives an address back. */
  release(address: number): void {
    this.#taken.delete(address);
    if (address >= this.#range.first && address < this.#lowest) this.#lowest = address;
  }
}
