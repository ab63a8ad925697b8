import type { Sandbox } from '../model.ts';

/** What a question about a name or an address came to. */
export interface NamesView {
  /** The addresses behind a name, as seen from a sandbox; undefined if it knows no such name. */
  lookup(sandboxId: string, name: string): readonly string[] | undefined;
  /** The name behind an address, as seen from a sandbox. */
  reverse(sandboxId: string, address: string): string | undefined;
  /** Where a sandbox's other questions go: its own servers, the host's (`'host'`), or nowhere (an internal network). */
  upstream(sandboxId: string): readonly string[] | 'host' | undefined;
}

type SandboxNames = Pick<Sandbox, 'id' | 'endpoints' | 'gatewayNetworkId' | 'dnsServers' | 'namesPort'>;

interface NetworkNames {
  /** Addresses by name and then by sandbox, so that a name that leaves takes only its own. */
  readonly byName: Map<string, Map<string, string>>;
  readonly byAddress: Map<string, string>;
}

/**
 * Who is called what, from the sandboxes alone (which are also files in the run directory: a program of its own could
 * keep this table). Names are seen only by sandboxes that share a network with their owner.
 */
export class NameTable implements NamesView {
  readonly #sandboxes = new Map<string, SandboxNames>();
  readonly #networks = new Map<string, NetworkNames>();

  /** Adds a sandbox, or replaces what is known of it. */
  set(sandbox: SandboxNames): void {
    this.delete(sandbox.id);
    this.#sandboxes.set(sandbox.id, sandbox);
    for (const { networkId, networkName, dnsNames, address } of sandbox.endpoints) {
      if (dnsNames.length === 0) continue;
      const network = this.#networks.get(networkId) ?? { byName: new Map(), byAddress: new Map() };
      this.#networks.set(networkId, network);
      for (const dnsName of dnsNames) {
        for (const name of [dnsName.toLowerCase(), `${dnsName}.${networkName}`.toLowerCase()]) {
          const owners = network.byName.get(name) ?? new Map<string, string>();
          network.byName.set(name, owners.set(sandbox.id, address));
        }
      }
      network.byAddress.set(address, `${dnsNames[0]}.${networkName}`);
    }
  }

  /** Forgets a sandbox. */
  delete(sandboxId: string): void {
    const known = this.#sandboxes.get(sandboxId);
    if (known === undefined) return;
    this.#sandboxes.delete(sandboxId);
    for (const { networkId, networkName, dnsNames, address } of known.endpoints) {
      const network = this.#networks.get(networkId);
      if (network === undefined) continue;
      network.byAddress.delete(address);
      for (const dnsName of dnsNames) {
        for (const name of [dnsName.toLowerCase(), `${dnsName}.${networkName}`.toLowerCase()]) {
          const owners = network.byName.get(name);
          owners?.delete(sandboxId);
          if (owners?.size === 0) network.byName.delete(name);
        }
      }
      if (network.byName.size === 0) this.#networks.delete(networkId);
    }
  }

  lookup(sandboxId: string, name: string): readonly string[] | undefined {
    for (const { networkId } of this.#sandboxes.get(sandboxId)?.endpoints ?? []) {
      const owners = this.#networks.get(networkId)?.byName.get(name.toLowerCase());
      if (owners !== undefined) return [...owners.values()];
    }
    return undefined;
  }

  reverse(sandboxId: string, address: string): string | undefined {
    for (const { networkId } of this.#sandboxes.get(sandboxId)?.endpoints ?? []) {
      const name = this.#networks.get(networkId)?.byAddress.get(address);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  upstream(sandboxId: string): readonly string[] | 'host' | undefined {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox?.gatewayNetworkId === undefined) return undefined;
    return sandbox.dnsServers.length > 0 ? sandbox.dnsServers : 'host';
  }
}
