import type { KernelOperation } from '../../linux/index.ts';
import type { Firewall } from './firewall.ts';
import {
  addNetworkRules,
  namesRules,
  publishRules,
  removeNetworkRules,
  replaceRules,
  unpublishRules,
} from './nftables-rules.ts';

/** The firewall through nf_tables. Every call is one transaction in the kernel. */
export function createNftablesFirewall(): Firewall {
  const transaction = (commands: string): readonly KernelOperation[] =>
    commands === '' ? [] : [{ op: 'nftables', commands }];
  return {
    replace: (state) => transaction(replaceRules(state)),
    addNetwork: (network) => transaction(addNetworkRules(network)),
    removeNetwork: (network) => transaction(removeNetworkRules(network)),
    publish: (ports) => transaction(publishRules(ports)),
    unpublish: (ports) => transaction(unpublishRules(ports)),
    redirectNames: (namespace, port) => [{ op: 'nftables', commands: namesRules(port), namespace }],
  };
}
