/** The address pools of a new network, put together from flags that are given separately. */

import { BlockList, isIP } from 'node:net';
import type { IpamPool } from '../../contract/docker/index.ts';
import { cut } from './flag.ts';

/** Matches ranges, gateways and reserved addresses with their subnets. Throws docker's texts where none fits. */
export function planPools(
  subnets: readonly string[],
  ranges: readonly string[],
  gateways: readonly string[],
  reserved: Readonly<Record<string, string>>,
): IpamPool[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new Error('every ip-range or gateway must have a corresponding subnet');
  }
  const pools = subnets.map((subnet): IpamPool => ({ Subnet: subnet }));
  for (const [index, subnet] of subnets.entries()) {
    const first = cut(subnet, '/')[0];
    if (subnets.some((other, place) => place !== index && contains(other, first))) {
      throw new Error('multiple overlapping subnet configuration is not supported');
    }
  }
  const poolOf = (address: string, what: string): IpamPool => {
    const pool = pools.find((each) => contains(each.Subnet ?? '', cut(address, '/')[0]));
    if (pool === undefined) throw new Error(`no matching subnet for ${what} ${address}`);
    return pool;
  };
  for (const range of ranges) {
    const pool = poolOf(range, 'range');
    if (pool.IPRange !== undefined)
      throw new Error(
        `cannot configure multiple ranges (${range}, ${pool.IPRange}) on the same subnet (${pool.Subnet})`,
      );
    pool.IPRange = range;
  }
  for (const gateway of gateways) {
    const pool = poolOf(gateway, 'gateway');
    if (pool.Gateway !== undefined)
      throw new Error(
        `cannot configure multiple gateways (${gateway}, ${pool.Gateway}) for the same subnet (${pool.Subnet})`,
      );
    pool.Gateway = gateway;
  }
  for (const [name, address] of Object.entries(reserved)) {
    const pool = poolOf(address, 'aux-address');
    pool.AuxiliaryAddresses = { ...pool.AuxiliaryAddresses, [name]: address };
  }
  return pools;
}

function contains(subnet: string, address: string): boolean {
  const [network, length] = cut(subnet, '/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(address) || length === undefined || !/^\d+$/.test(length)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(length), kind);
  return list.check(address, kind);
}
