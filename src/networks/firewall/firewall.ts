import type { KernelOperation } from '../../linux/index.ts';

/** What a firewall has to know of a bridge network. */
export interface FirewallNetwork {
  /** The network's id: names what belongs to it. */
  readonly id: string;
  readonly bridge: string;
  /** `172.18.0.0/16` */
  readonly subnet: string;
  readonly internal: boolean;
  readonly interContainer: boolean;
  readonly masquerade: boolean;
}

/** One published port. */
export interface FirewallPort {
  readonly protocol: 'tcp' | 'udp';
  readonly hostIp: string;
  readonly hostPort: number;
  readonly address: string;
  readonly containerPort: number;
}

/** All that a firewall has to do. */
export interface FirewallState {
  readonly networks: readonly FirewallNetwork[];
  readonly ports: readonly FirewallPort[];
  /** Drop what the host would forward between interfaces that are not ours: it forwards only because we made it. */
  readonly guardForwarding: boolean;
}

/**
 * The rules that connect and separate containers, as kernel operations for a batch. Implementations differ in the
 * kernel facility only; `networks.test.ts` checks what they must do with real packets.
 *
 * - Containers reach the world with the host's address (`masquerade`), unless their network is internal.
 * - Nothing reaches a container from outside its network but answers and its published ports. That holds for packets
 *   sent to its own address, for other networks, and for the host's loopback addresses asked for from outside.
 * - Published ports work from outside, from the host itself (127.0.0.1 included) and from containers, the publishing one too.
 */
export interface Firewall {
  /** Replaces all that there is by exactly this, atomically: packets see the old rules or the new ones. */
  replace(state: FirewallState): readonly KernelOperation[];
  addNetwork(network: FirewallNetwork): readonly KernelOperation[];
  removeNetwork(network: FirewallNetwork): readonly KernelOperation[];
  publish(ports: readonly FirewallPort[]): readonly KernelOperation[];
  unpublish(ports: readonly FirewallPort[]): readonly KernelOperation[];
  /** Makes 127.0.0.11:53 inside a namespace lead to `port` on that address; replaces an earlier such rule. */
  redirectNames(namespace: string, port: number): readonly KernelOperation[];
}
