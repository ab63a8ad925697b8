import { EngineError } from '../base/index.ts';
import { type Kernel, KernelError } from '../linux/index.ts';
import type { PortRequest, PublishedPort } from './model.ts';
import type { PortTable } from './ports.ts';

/** Host ports that are ours: in the table, and bound so that no program of the host can take them. */
export interface BoundPorts {
  readonly published: readonly PublishedPort[];
  readonly sockets: readonly number[];
}

/** How Go prints the errors of bind(2) that a user can cause. */
const BIND_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
};

interface Candidate {
  readonly request: PortRequest;
  readonly skip: Set<number>;
  port: number;
}

/**
 * Takes and binds a host port for each request. With a range, or no port given, one that the host uses is passed over.
 * Throws dockerd's errors, having given everything back.
 * @param address the container's address, for the error text
 */
export async function bindPorts(
  kernel: Kernel,
  table: PortTable,
  requests: readonly PortRequest[],
  address: string,
): Promise<BoundPorts> {
  const candidates: Candidate[] = [];
  const sockets: number[] = [];
  try {
    for (const request of requests) candidates.push({ request, skip: new Set(), port: table.take(request) });
    while (sockets.length < candidates.length) {
      const failure = await bindFrom(kernel, candidates.slice(sockets.length), sockets);
      const failed = candidates[sockets.length];
      if (failure !== undefined && failed !== undefined) passOver(table, failed, failure, address);
    }
    return { published: candidates.map(toPublished), sockets };
  } catch (error) {
    await releasePorts(kernel, table, { published: candidates.map(toPublished), sockets });
    throw error;
  }
}

/** Gives ports back. */
export async function releasePorts(kernel: Kernel, table: PortTable, ports: BoundPorts): Promise<void> {
  for (const port of ports.published) table.release(port, port.hostPort);
  if (ports.sockets.length > 0) await kernel.run([{ op: 'close', descriptors: ports.sockets }]);
}

/** What keeps a host port ours. A TCP port is held against others only by a listening socket. */
export function bindOperation({ protocol, hostIp, hostPort }: Pick<PortRequest, 'protocol' | 'hostIp' | 'hostPort'>) {
  const listen = protocol === 'tcp';
  return { op: 'bindSocket', type: protocol, address: hostIp, port: hostPort, listen } as const;
}

/** Binds one after the other, adding to `sockets`; the failure if one could not be bound. */
async function bindFrom(
  kernel: Kernel,
  candidates: readonly Candidate[],
  sockets: number[],
): Promise<KernelError | undefined> {
  const operations = candidates.map(({ request, port }) => bindOperation({ ...request, hostPort: port }));
  try {
    const bound = await kernel.run(operations);
    sockets.push(...bound.map(({ descriptor }) => descriptor));
    return undefined;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const bound = error.results as readonly { readonly descriptor: number }[];
    sockets.push(...bound.map(({ descriptor }) => descriptor));
    return error;
  }
}

function passOver(table: PortTable, candidate: Candidate, failure: KernelError, address: string): void {
  const { request, skip, port } = candidate;
  const { hostIp, hostPort, hostPortEnd = hostPort, containerPort, protocol } = request;
  const hasChoice = hostPort === 0 || hostPortEnd > hostPort;
  if (failure.code !== 'EADDRINUSE' || !hasChoice) {
    const reason = BIND_ERRORS[failure.code] ?? failure.message;
    throw new EngineError(
      'system',
      `failed to bind host port for ${hostIp}:${port}:${address}:${containerPort}/${protocol}: ${reason}`,
    );
  }
  skip.add(port);
  const next = table.take(request, skip);
  table.release(request, port);
  candidate.port = next;
}

function toPublished({ request, port }: Candidate): PublishedPort {
  const { protocol, containerPort, hostIp } = request;
  return { protocol, containerPort, hostIp, hostPort: port };
}
