import { type BoundSocket, type Kernel, KernelError, type KernelOperation } from '../linux/index.ts';
import { endpointOperations } from './endpoints.ts';
import type { Firewall } from './firewall/firewall.ts';
import { NAMES_ADDRESS } from './firewall/nftables-rules.ts';
import type { BridgeSettings, Endpoint, Sandbox } from './model.ts';

/** What the plan of a sandbox depends on besides the sandbox. */
export interface SandboxSurroundings {
  readonly firewall: Firewall;
  readonly bridgeOf: (networkId: string) => BridgeSettings | undefined;
  readonly bridgeNetfilter: boolean;
}

/** Everything that makes a sandbox's namespace, in one batch: links first, then what happens inside. */
export function sandboxOperations(sandbox: Sandbox, surroundings: SandboxSurroundings): readonly KernelOperation[] {
  const { path, endpoints, gatewayNetworkId } = sandbox;
  if (path === undefined) return [];
  const links = endpoints.flatMap((endpoint) => linkOperations(path, endpoint, surroundings));
  const gateway = endpoints.find(({ networkId }) => networkId === gatewayNetworkId);
  return [
    { op: 'makeNamespace', kind: 'network', path },
    ...links.filter(({ op }) => op === 'makeVethPair'),
    ...links.filter(({ op }) => op !== 'makeVethPair'),
    ...routeOperations(path, gateway),
    ...namesOperations(sandbox, surroundings.firewall),
  ];
}

/** What connects one endpoint; nothing on host and none. */
export function linkOperations(
  path: string,
  endpoint: Endpoint,
  { bridgeOf, bridgeNetfilter }: SandboxSurroundings,
): readonly KernelOperation[] {
  const bridge = bridgeOf(endpoint.networkId);
  return bridge === undefined ? [] : endpointOperations(path, endpoint, bridge, bridgeNetfilter);
}

/** The default route of a namespace; without a gateway there is none. */
export function routeOperations(namespace: string, gateway: Endpoint | undefined): readonly KernelOperation[] {
  return gateway === undefined
    ? [{ op: 'removeDefaultRoute', namespace }]
    : [{ op: 'setRoute', gateway: gateway.gateway, namespace }];
}

/** The sockets behind 127.0.0.11 inside the namespace, UDP first, and the rules that lead there. */
export function namesOperations({ path, namesPort }: Sandbox, firewall: Firewall): readonly KernelOperation[] {
  if (path === undefined || namesPort === undefined) return [];
  const socket = { op: 'bindSocket', namespace: path, address: NAMES_ADDRESS, port: namesPort } as const;
  return [
    { ...socket, type: 'udp' },
    { ...socket, type: 'tcp', listen: true },
    ...firewall.redirectNames(path, namesPort),
  ];
}

/** Runs a batch; resolves to the sockets it bound, which are closed if a later operation fails. */
export async function runForSockets(
  kernel: Kernel,
  operations: readonly KernelOperation[],
): Promise<readonly BoundSocket[]> {
  if (operations.length === 0) return [];
  try {
    return (await kernel.run(operations)).filter(isBoundSocket);
  } catch (error) {
    if (error instanceof KernelError) {
      const descriptors = error.results.filter(isBoundSocket).map(({ descriptor }) => descriptor);
      if (descriptors.length > 0) await kernel.run([{ op: 'close', descriptors }]);
    }
    throw error;
  }
}

function isBoundSocket(result: unknown): result is BoundSocket {
  return typeof result === 'object' && result !== null && 'descriptor' in result;
}
