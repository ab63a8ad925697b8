import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrFail } from './program.ts';

/** Where an engine under test can leave something. */
export interface Surroundings {
  /** A process that holds the engine's network and mount namespaces. */
  readonly holder: number;
  readonly dataRoot: string;
  readonly runDirectory: string;
  /** IDs of every container the engine ever had. */
  readonly containers: ReadonlySet<string>;
  /** The engine itself, which is not a leftover. */
  readonly engine: number | undefined;
}

/** Everything an engine could leave behind, by place, as lines that can be compared. */
export type Inventory = Readonly<Record<Place, readonly string[]>>;

const PLACES = [
  'mounts',
  'links',
  'addresses',
  'routes',
  'firewall',
  'cgroups',
  'processes',
  'sockets',
  'files',
] as const;
export type Place = (typeof PLACES)[number];

/** Lists what is there now. */
export async function takeInventory(place: Surroundings): Promise<Inventory> {
  const inNetwork = (...argv: string[]) =>
    runOrFail('nsenter', ['--target', String(place.holder), '--net', '--', ...argv]);
  const [links, addresses, routes, firewall] = await Promise.all([
    inNetwork('ip', '-brief', 'link'),
    inNetwork('ip', '-oneline', 'address'),
    inNetwork('ip', 'route', 'show', 'table', 'all'),
    inNetwork('nft', 'list', 'ruleset'),
  ]);
  return {
    mounts: mountPoints(place.holder),
    links: lines(links).map((line) => line.split(/[ @]/)[0] ?? line),
    addresses: lines(addresses)
      .filter(isNotKernels)
      .map((line) => line.replace(/^\d+: /, '').replace(/valid_lft.*/, '')),
    routes: lines(routes)
      .filter(isNotKernels)
      .map((line) => line.replace(/ linkdown\b/, '')),
    firewall: lines(firewall).map((line) => line.replace(/counter packets \d+ bytes \d+/, 'counter')),
    cgroups: cgroupsOf(place.containers),
    processes: processesOf(place).map(({ pid, description }) => `${pid} ${description}`),
    sockets: abstractSockets(place.holder),
    files: [...filesBelow(place.dataRoot), ...filesBelow(place.runDirectory)],
  };
}

/** What `after` has and `before` had not, as `place: line`. Lines that occur several times count each time. */
export function additions(before: Inventory, after: Inventory, ignore: readonly RegExp[] = []): string[] {
  return PLACES.flatMap((place) => {
    const known = new Map<string, number>();
    for (const line of before[place]) known.set(line, (known.get(line) ?? 0) + 1);
    return after[place]
      .filter((line) => {
        const left = known.get(line) ?? 0;
        known.set(line, left - 1);
        return left <= 0;
      })
      .map((line) => `${place}: ${line}`)
      .filter((line) => !ignore.some((pattern) => pattern.test(line)));
  });
}

/** The kernel gives every link that comes up a link-local IPv6 address and routes for it; the links are listed anyway. */
function isNotKernels(line: string): boolean {
  return !/\bfe80:|\bff00::\/8/.test(line);
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Mount points of the process's mount namespace (proc(5), mountinfo field 5), with the file system's type. */
function mountPoints(pid: number): string[] {
  return lines(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).map((line) => {
    const [before = '', after = ''] = line.split(' - ');
    return `${before.split(' ')[4]} ${after.split(' ')[0]}`;
  });
}

/** Names of the network namespace's abstract unix sockets. */
function abstractSockets(pid: number): string[] {
  return lines(readFileSync(`/proc/${pid}/net/unix`, 'utf8'))
    .map((line) => line.split(' ').at(-1) ?? '')
    .filter((name) => name.startsWith('@'));
}

/** Contents of layers and volumes are their owners' business; a stray one shows by its directory. */
const NOT_ENTERED = /\/overlay2\/[^/]+\/(diff|work|merged)$|\/_data$/;
/** A mark that a layer gets with its first child, and keeps. */
const NOT_LISTED = /\/overlay2\/[0-9a-f]+\/committed$/;

function filesBelow(directory: string): string[] {
  return directoryEntries(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    const below = entry.isDirectory() && !NOT_ENTERED.test(path) ? filesBelow(path) : [];
    return NOT_LISTED.test(path) ? below : [path, ...below];
  });
}

const CGROUP_ROOT = '/sys/fs/cgroup';
/** Controllers, the engine's parent group, the container's group, and groups made inside it. */
const CGROUP_DEPTH = 5;

/** Control groups, of any hierarchy, whose name holds the ID of one of the containers; deepest first. */
export function cgroupsOf(containers: ReadonlySet<string>): string[] {
  const found: string[] = [];
  const visit = (directory: string, depth: number) => {
    for (const entry of childDirectories(directory)) {
      const path = join(directory, entry);
      if (depth < CGROUP_DEPTH) visit(path, depth + 1);
      if (path.match(/[0-9a-f]{64}/g)?.some((id) => containers.has(id))) found.push(path);
    }
  };
  visit(CGROUP_ROOT, 0);
  return found;
}

function childDirectories(directory: string): string[] {
  return directoryEntries(directory)
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function directoryEntries(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // removed while we looked
  }
}

/** Processes that belong to the engine: its directories in their command line, or in a group of one of its containers. */
export function processesOf(place: Surroundings): { pid: number; description: string }[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && pid !== place.holder && pid !== place.engine)
    .flatMap((pid) => {
      const command = readProcess(pid, 'cmdline').replaceAll('\0', ' ').trim();
      const groups = readProcess(pid, 'cgroup').match(/[0-9a-f]{64}/g) ?? [];
      const isOurs =
        command.includes(place.runDirectory) ||
        command.includes(place.dataRoot) ||
        groups.some((id) => place.containers.has(id));
      return isOurs ? [{ pid, description: command || '(ended)' }] : [];
    });
}

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // ended while we looked
  }
}
