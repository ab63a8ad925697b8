/** Which engine to speak to. */

/** Where an engine listens. */
export type EngineHost =
  | { readonly kind: 'unix'; readonly path: string; readonly address: string }
  | { readonly kind: 'tcp'; readonly hostname: string; readonly port: number; readonly address: string };

/** Gantry's own socket, used when nothing else is said. */
export const DEFAULT_HOST = 'unix:///run/gantry/gantry.sock';
/** docker's port for unencrypted TCP. */
const DEFAULT_TCP_PORT = 2375;

/** The engine of `-H`, else GANTRY_HOST, else DOCKER_HOST, else Gantry's socket. Throws docker's text on a bad address. */
export function resolveHost(hosts: readonly string[], environment: NodeJS.ProcessEnv): EngineHost {
  if (hosts.length > 1) throw new Error('Failed to initialize: unable to resolve docker endpoint: Specify only one -H');
  return parseHost(hosts[0] || environment.GANTRY_HOST || environment.DOCKER_HOST || DEFAULT_HOST);
}

/** Parses `unix:///path`, `tcp://host:port` or a bare `host:port`. */
export function parseHost(given: string): EngineHost {
  const [, scheme, rest] = /^([a-z]+):\/\/(.*)$/.exec(given) ?? [undefined, 'tcp', given];
  if (scheme === 'unix' && rest) return { kind: 'unix', path: rest, address: given };
  if (scheme === 'tcp') {
    const [, hostname, port] = /^(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/.exec(rest ?? '') ?? [];
    if (hostname !== undefined) {
      return {
        kind: 'tcp',
        hostname: hostname.replace(/^\[|\]$/g, '') || 'localhost',
        port: port === undefined ? DEFAULT_TCP_PORT : Number(port),
        address: `tcp://${hostname || 'localhost'}:${port ?? DEFAULT_TCP_PORT}`,
      };
    }
  }
  throw new Error(`Failed to initialize: unable to resolve docker endpoint: invalid bind address format: ${given}`);
}
