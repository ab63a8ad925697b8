import { SystemError } from './libc.ts';
import { mount, unmount } from './mount.ts';
import { LostNamespaceError, NetworkNamespaces, unshareFileSystemAttributes } from './namespace.ts';
import { flushConntrack } from './netlink/conntrack.ts';
import { configureLink, disablePort, listLinks, makeBridge, makeVethPair, removeLink } from './netlink/link.ts';
import { addAddress, listAddresses, listRoutes, removeAddress, removeDefaultRoute, setRoute } from './netlink/route.ts';
import { NetlinkSocket } from './netlink/socket.ts';
import { loadNftables, NftablesContext } from './nftables.ts';
import type { KernelOperation, KernelResults } from './operations.ts';
import { signal } from './process.ts';
import { bindSocket, closeDescriptors } from './sockets.ts';
import { spawn } from './spawn.ts';
import { writeSysctl } from './sysctl.ts';

/** The sockets and contexts of one namespace, opened on first use while the thread is inside it. */
class NamespaceTools implements Disposable {
  readonly #loadNftables: () => ReturnType<typeof loadNftables>;
  #route: NetlinkSocket | undefined;
  #netfilter: NetlinkSocket | undefined;
  #nftables: NftablesContext | undefined;

  constructor(load: () => ReturnType<typeof loadNftables>) {
    this.#loadNftables = load;
  }

  get route(): NetlinkSocket {
    this.#route ??= NetlinkSocket.openRoute();
    return this.#route;
  }

  get netfilter(): NetlinkSocket {
    this.#netfilter ??= NetlinkSocket.openNetfilter();
    return this.#netfilter;
  }

  get nftables(): NftablesContext {
    this.#nftables ??= new NftablesContext(this.#loadNftables());
    return this.#nftables;
  }

  [Symbol.dispose](): void {
    this.#route?.[Symbol.dispose]();
    this.#netfilter?.[Symbol.dispose]();
    this.#nftables?.[Symbol.dispose]();
  }
}

type Handlers = {
  readonly [K in keyof KernelResults]: (
    operation: Extract<KernelOperation, { op: K }>,
    tools: NamespaceTools,
  ) => KernelResults[K];
};

/**
 * Applies operations on the calling thread. Consecutive operations in one namespace share a visit to it, with its
 * netlink sockets; the home namespace's stay open for ever.
 */
export class OperationContext {
  readonly #namespaces = new NetworkNamespaces();
  readonly #home: NamespaceTools;
  readonly #handlers: Handlers;
  #library: ReturnType<typeof loadNftables> | undefined;
  #visit: { readonly namespace: string; readonly tools: NamespaceTools } | undefined;

  constructor() {
    unshareFileSystemAttributes();
    this.#home = new NamespaceTools(this.#load);
    this.#handlers = {
      mount,
      unmount,
      makeNamespace: (operation) => this.#namespaces.make(operation),
      removeNamespace: (operation) => this.#namespaces.remove(operation),
      spawn,
      signal,
      nftables: (operation, tools) => tools.nftables.run(operation),
      sysctl: writeSysctl,
      bindSocket,
      close: closeDescriptors,
      makeBridge: (operation, tools) => makeBridge(tools.route, operation),
      makeVethPair: (operation, tools) => makeVethPair(tools.route, operation),
      removeLink: (operation, tools) => removeLink(tools.route, operation),
      configureLink: (operation, tools) => configureLink(tools.route, operation),
      disablePort: (operation, tools) => disablePort(tools.route, operation),
      addAddress: (operation, tools) => addAddress(tools.route, operation),
      removeAddress: (operation, tools) => removeAddress(tools.route, operation),
      setRoute: (operation, tools) => setRoute(tools.route, operation),
      removeDefaultRoute: (_operation, tools) => removeDefaultRoute(tools.route),
      listLinks: (_operation, tools) => listLinks(tools.route),
      listRoutes: (_operation, tools) => listRoutes(tools.route),
      listAddresses: (_operation, tools) => listAddresses(tools.route),
      flushConntrack: (operation, tools) => flushConntrack(tools.netfilter, operation),
    };
  }

  /** Applies one operation in its namespace. */
  apply(operation: KernelOperation): unknown {
    const tools = this.#toolsOf('namespace' in operation ? operation.namespace : undefined);
    // The table's type ties each handler to its operation; TypeScript cannot follow that through the union.
    const handler = this.#handlers[operation.op] as (operation: KernelOperation, tools: NamespaceTools) => unknown;
    return handler(operation, tools);
  }

  /** Ends the present visit, if any. */
  goHome(): void {
    const visit = this.#visit;
    if (visit === undefined) return;
    this.#visit = undefined;
    visit.tools[Symbol.dispose]();
    this.#namespaces.goHome();
  }

  #toolsOf(namespace: string | undefined): NamespaceTools {
    if (this.#visit !== undefined && this.#visit.namespace === namespace) return this.#visit.tools;
    this.goHome();
    if (namespace === undefined) return this.#home;
    this.#namespaces.visit(namespace);
    this.#visit = { namespace, tools: new NamespaceTools(this.#load) };
    return this.#visit.tools;
  }

  readonly #load = () => {
    this.#library ??= loadNftables();
    return this.#library;
  };
}

/** True for errors that say an operation failed; false for those after which the thread must not go on. */
export function isKernelFailure(error: unknown): error is Error & { code: string } {
  return error instanceof SystemError || (error instanceof Error && 'code' in error && !isFatal(error));
}

function isFatal(error: Error): boolean {
  return error instanceof LostNamespaceError;
}
