/** `--publish` and `--expose`, with the error texts of docker's port parser (go-connections/nat). */

import { isIP } from 'node:net';
import type { PortMap } from '../../contract/docker/index.ts';
import { cut } from './flag.ts';
import { parseUnsigned } from './numbers.ts';

/** Ports to expose and to publish. */
export interface PublishedPorts {
  readonly exposed: Record<string, Record<string, never>>;
  readonly bindings: PortMap;
}

interface PortRange {
  readonly start: number;
  readonly end: number;
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'];
const PORT_BITS = 16;

/** Understands all `-p` values together. */
export function parsePublish(specs: readonly string[]): PublishedPorts {
  const exposed: Record<string, Record<string, never>> = {};
  const bindings: PortMap = {};
  for (const spec of specs) {
    for (const { port, hostIp, hostPort } of parseSpec(spec.includes('=') ? shortForm(spec) : spec)) {
      exposed[port] = {};
      const list = bindings[port] ?? [];
      list.push({ HostIp: hostIp, HostPort: hostPort });
      bindings[port] = list;
    }
  }
  return { exposed, bindings };
}

function parseSpec(spec: string): { port: string; hostIp: string; hostPort: string }[] {
  const parts = spec.split(':');
  const [portText, protocol] = splitProtocol(parts.at(-1) ?? '');
  const hostText = parts.at(-2) ?? '';
  const hostIp = parts
    .slice(0, -2)
    .join(':')
    .replace(/^\[(.*)\]$/, '$1');
  if (hostIp !== '' && isIP(hostIp) === 0) throw new Error(`invalid IP address: ${hostIp}`);
  if (portText === '') throw new Error(`no port specified: ${spec}<empty>`);
  const container = portRange(portText, `invalid containerPort: ${portText}`);
  const host = hostText === '' ? undefined : portRange(hostText, `invalid hostPort: ${hostText}`);
  const single = container.start === container.end;
  if (host !== undefined && !single && host.end - host.start !== container.end - container.start) {
    throw new Error(`invalid ranges specified for container and host Ports: ${portText} and ${hostText}`);
  }
  if (!PROTOCOLS.includes(protocol)) throw new Error(`invalid proto: ${protocol}`);
  // One container port may be given a range of host ports to choose from; otherwise the ranges go in step.
  const choice = host !== undefined && single && host.start !== host.end ? `${host.start}-${host.end}` : undefined;
  return numbers(container).map((number, index) => ({
    port: `${number}/${protocol}`,
    hostIp,
    hostPort: choice ?? (host === undefined ? '' : String(host.start + index)),
  }));
}

/** `target=80,published=8080,protocol=tcp` in the short form. Unknown names are ignored, as docker does. */
function shortForm(spec: string): string {
  const values: Record<string, string> = { protocol: 'tcp' };
  for (const field of spec.split(',')) {
    const [name, value] = cut(field, '=');
    if (value === undefined || name === '') {
      throw new Error(`invalid publish opts format (should be name=value but got '${field}')`);
    }
    values[name] = value;
  }
  return `${values.published ?? ''}:${values.target ?? ''}/${values.protocol}`;
}

/** Understands `--expose` values: `80`, `80/udp`, `8000-8010`. */
export function parseExpose(specs: readonly string[]): Record<string, Record<string, never>> {
  const exposed: Record<string, Record<string, never>> = {};
  for (const spec of specs) {
    if (spec.includes(':')) throw new Error(`invalid port format for --expose: ${spec}`);
    const [portText, protocol] = splitProtocol(spec);
    const range = portRange(portText, undefined, `invalid range format for --expose: ${spec}, error: `);
    for (const number of numbers(range)) exposed[`${number}/${protocol}`] = {};
  }
  return exposed;
}

function splitProtocol(text: string): [string, string] {
  const [port, protocol] = cut(text, '/');
  return [port, (protocol || 'tcp').toLowerCase()];
}

function portRange(text: string, failure: string | undefined, prefix = ''): PortRange {
  try {
    if (text === '') throw new Error('empty string specified for ports');
    const [first, last] = cut(text, '-');
    const start = parseUnsigned(first, PORT_BITS);
    const end = last === undefined ? start : parseUnsigned(last, PORT_BITS);
    if (end < start) throw new Error(`invalid range specified for port: ${text}`);
    return { start, end };
  } catch (error) {
    throw new Error(failure ?? `${prefix}${error instanceof Error ? error.message : error}`);
  }
}

const numbers = ({ start, end }: PortRange) => Array.from({ length: end - start + 1 }, (_, index) => start + index);
