/** Rows of `ps`. */

import type { ContainerSummary, Port } from '../../contract/docker/index.ts';
import { type ListLayout, labelText } from './list.ts';
import { ago, ellipsis, goTime, humanSize, shortId } from './units.ts';

const COMMAND_LENGTH = 20;
const MOUNT_LENGTH = 15;
const SIZE_DIGITS = 3;

const TABLE = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';

/** How `ps` shows containers. */
export function containerLayout(options: { truncate: boolean; size: boolean }): ListLayout<ContainerSummary> {
  return {
    typeName: 'ContainerContext',
    table: TABLE + (options.size ? '\t{{.Size}}' : ''),
    headers: {
      ID: 'CONTAINER ID',
      Names: 'NAMES',
      Image: 'IMAGE',
      Command: 'COMMAND',
      CreatedAt: 'CREATED AT',
      RunningFor: 'CREATED',
      Ports: 'PORTS',
      State: 'STATE',
      Status: 'STATUS',
      Size: 'SIZE',
      Labels: 'LABELS',
      Mounts: 'MOUNTS',
      LocalVolumes: 'LOCAL VOLUMES',
      Networks: 'NETWORKS',
      Platform: 'PLATFORM',
    },
    columns: (container) => columns(container, options.truncate),
  };
}

function columns(container: ContainerSummary, truncate: boolean): Record<string, unknown> {
  const command = truncate ? ellipsis(container.Command, COMMAND_LENGTH) : container.Command;
  const mounts = (container.Mounts ?? []).map((mount) => mount.Name || mount.Source);
  return {
    ID: truncate ? shortId(container.Id) : container.Id,
    Names: names(container.Names ?? [], truncate),
    Image: imageName(container, truncate),
    Command: JSON.stringify(command),
    CreatedAt: goTime(container.Created),
    RunningFor: ago(container.Created),
    Ports: portText(container.Ports ?? []),
    State: container.State,
    Status: container.Status,
    Size: sizeText(container),
    Labels: labelText(container.Labels),
    Label: (name: unknown) => container.Labels?.[String(name)] ?? '',
    Mounts: mounts.map((mount) => (truncate ? ellipsis(mount, MOUNT_LENGTH) : mount)).join(','),
    LocalVolumes: String((container.Mounts ?? []).filter((mount) => mount.Driver === 'local').length),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
    Platform: null,
  };
}

/** Names without their leading slash; the ones that links give (`/other/alias`) only when nothing is truncated. */
function names(given: readonly string[], truncate: boolean): string {
  const bare = given.map((name) => name.replace(/^\//, ''));
  return (truncate ? bare.filter((name) => !name.includes('/')) : bare).join(',');
}

function imageName(container: ContainerSummary, truncate: boolean): string {
  if (container.Image === '') return '<no image>';
  if (!truncate) return container.Image;
  if (shortId(container.ImageID) === shortId(container.Image)) return shortId(container.Image);
  // `name:tag@sha256:…` is shown without the digest.
  return container.Image.replace(/^([^@]+:[^@:/]+)@.*$/, '$1').replace(/^([^@]+)@sha256:.*$/, '$1');
}

function sizeText(container: ContainerSummary): string {
  const own = humanSize(container.SizeRw ?? 0, SIZE_DIGITS);
  const all = container.SizeRootFs ?? 0;
  return all > 0 ? `${own} (virtual ${humanSize(all, SIZE_DIGITS)})` : own;
}

/** Ports as `ps` shows them: published ones with their address, runs of equal numbers as ranges. */
export function portText(ports: readonly Port[]): string {
  const sorted = [...ports].sort(comparePorts);
  const open = new Map<string, { first: number; last: number }>();
  const groups: string[] = [];
  const mappings: string[] = [];
  for (const port of sorted) {
    const { PrivatePort: current, Type: type, IP: ip } = port;
    if (ip && port.PublicPort !== current) {
      mappings.push(`${hostPort(ip, String(port.PublicPort))}->${current}/${type}`);
      continue;
    }
    const key = ip ? `${ip}/${type}` : type;
    const group = open.get(key);
    if (group !== undefined && current === group.last + 1) {
      group.last = current;
      continue;
    }
    if (group !== undefined) groups.push(groupText(key, group));
    open.set(key, { first: current, last: current });
  }
  for (const [key, group] of open) groups.push(groupText(key, group));
  return [...groups, ...mappings].join(', ');
}

function groupText(key: string, { first, last }: { first: number; last: number }): string {
  const [type = '', ip] = key.split('/').reverse();
  const range = first === last ? String(first) : `${first}-${last}`;
  return `${ip === undefined ? range : `${hostPort(ip, range)}->${range}`}/${type}`;
}

const hostPort = (ip: string, port: string) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

function comparePorts(a: Port, b: Port): number {
  return (
    a.PrivatePort - b.PrivatePort ||
    compareText(a.IP ?? '', b.IP ?? '') ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    compareText(a.Type, b.Type)
  );
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
