import { EngineError } from '../base/index.ts';
import type { PortRequest } from './model.ts';

/** Everything on the host. */
export const ANY_ADDRESS = '0.0.0.0';

/** Linux's default ip_local_port_range: dockerd takes ephemeral ports from there, and from these if it cannot be read. */
export const DEFAULT_EPHEMERAL_PORTS: PortRange = { first: 32768, last: 60999 };

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Parses /proc/sys/net/ipv4/ip_local_port_range. */
export function parsePortRange(text: string): PortRange {
  const [first, last] = text.trim().split(/\s+/).map(Number);
  if (first === undefined || last === undefined || !(first > 0 && first <= last)) return DEFAULT_EPHEMERAL_PORTS;
  return { first, last };
}

type Key = `${string}/${'tcp' | 'udp'}`;

/**
 * Which host ports our containers have. It decides between containers; whether a program of the host has a port only
 * bind(2) can tell, so callers bind what they got here and come back with `skip` for the next one.
 */
export class PortTable {
  readonly #ephemeral: PortRange;
  readonly #taken = new Map<Key, Set<number>>();
  readonly #lastEphemeral = new Map<Key, number>();

  constructor(ephemeral: PortRange) {
    this.#ephemeral = ephemeral;
  }

  /** Takes a port for the request. Throws dockerd's errors. `skip`: ports that the host turned out to use. */
  take(request: PortRequest, skip: ReadonlySet<number> = new Set()): number {
    const port = this.#choose(request, skip);
    const key: Key = `${request.hostIp}/${request.protocol}`;
    const ports = this.#taken.get(key) ?? new Set();
    ports.add(port);
    this.#taken.set(key, ports);
    if (request.hostPort === 0) this.#lastEphemeral.set(key, port);
    return port;
  }

  /** Gives a port back. */
  release({ protocol, hostIp }: Pick<PortRequest, 'protocol' | 'hostIp'>, port: number): void {
    const key: Key = `${hostIp}/${protocol}`;
    const ports = this.#taken.get(key);
    ports?.delete(port);
    if (ports?.size === 0) this.#taken.delete(key);
  }

  #choose(request: PortRequest, skip: ReadonlySet<number>): number {
    const { hostPort, hostPortEnd = hostPort } = request;
    if (hostPort !== 0 && hostPortEnd === hostPort) {
      const holder = this.#holder(request, hostPort);
      if (holder === undefined) return hostPort;
      throw new EngineError('system', `Bind for ${holder}:${hostPort} failed: port is already allocated`);
    }
    const range = hostPort === 0 ? this.#ephemeral : { first: hostPort, last: hostPortEnd };
    const size = range.last - range.first + 1;
    const last = hostPort === 0 ? this.#lastEphemeral.get(`${request.hostIp}/${request.protocol}`) : undefined;
    const start = last === undefined ? range.first : last + 1;
    for (let step = 0; step < size; step += 1) {
      const port = range.first + ((start - range.first + step) % size);
      if (!skip.has(port) && this.#holder(request, port) === undefined) return port;
    }
    throw new EngineError('system', 'all ports are allocated');
  }

  /** The address on which one of our containers has the port so that the request cannot have it too. */
  #holder({ protocol, hostIp }: PortRequest, port: number): string | undefined {
    for (const [key, ports] of this.#taken) {
      const [address = '', ofProtocol = ''] = key.split('/');
      const related = address === hostIp || address === ANY_ADDRESS || hostIp === ANY_ADDRESS;
      if (related && ofProtocol === protocol && ports.has(port)) return address;
    }
    return undefined;
  }
}
