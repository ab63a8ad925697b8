export { type AddressPool, DEFAULT_ADDRESS_POOLS } from './address-pools.ts';
export type * from './model.ts';
export { type HostsOptions, hostsFile, hostsFileOnHost } from './names/hosts.ts';
export { parseResolvConf, type ResolvConfOptions, resolvConf } from './names/resolv-conf.ts';
export { type Networks, openNetworks } from './networks.ts';
export type { NetworksOptions } from './state.ts';
