/**
 * The tiers of the source tree, as data. `tools/check-tiers.ts` holds the sources to it, and ARCHITECTURE.md's table is
 * made from it.
 */

/** A part of the source tree with one public face. */
export interface Folder {
  /** Path below src/. */
  readonly name: string;
  readonly tier: number;
  /** What it is for, as ARCHITECTURE.md says it. */
  readonly purpose: string;
  /** Files that other folders may import, below the folder. */
  readonly faces: readonly string[];
  /** Folders of the same tier that it may import. */
  readonly beside?: readonly string[];
  /** If given: the only folders that it may import, whatever their tier. */
  readonly only?: readonly string[];
}

const INDEX = ['index.ts'] as const;

export const FOLDERS: readonly Folder[] = [
  {
    name: 'base',
    tier: 0,
    purpose: 'errors, ids, digests, clock, log, atomic files, queues, undo: no Linux, no Docker',
    faces: INDEX,
  },
  {
    name: 'contract',
    tier: 0,
    purpose: 'wire types of the Docker API and of the shim protocol: no code with effects',
    faces: ['docker/index.ts', 'shim.ts'],
  },
  {
    name: 'linux',
    tier: 1,
    purpose: 'the only door to the kernel: mounts, namespaces, cgroups, netlink, nftables, xattrs, processes',
    faces: INDEX,
  },
  { name: 'events', tier: 1, purpose: 'the log of what happened, and its listeners', faces: INDEX },
  {
    name: 'layers',
    tier: 2,
    purpose: 'content-addressed layers: archives in and out, tar-split, overlay2, rw layers',
    faces: INDEX,
  },
  {
    name: 'networks',
    tier: 2,
    purpose: 'drivers, addresses, firewall, published ports, names, sandboxes',
    faces: INDEX,
  },
  { name: 'volumes', tier: 2, purpose: 'named volumes and the local driver', faces: INDEX },
  { name: 'registry', tier: 2, purpose: 'references and the distribution client', faces: INDEX },
  {
    name: 'runtime',
    tier: 2,
    purpose: 'the OCI specification, the shim client, the choice of a runtime',
    faces: INDEX,
  },
  { name: 'images', tier: 3, purpose: 'the image store: pull, load, save, import, tag, remove, inspect', faces: INDEX },
  { name: 'containers', tier: 4, purpose: 'containers: one file per verb', faces: INDEX },
  { name: 'api/http', tier: 5, purpose: 'the HTTP server: router, versions, hijacking, errors', faces: INDEX },
  {
    name: 'api/docker',
    tier: 5,
    purpose: 'the routes of the Docker API: parse, call, render',
    faces: INDEX,
    beside: ['api/http'],
  },
  { name: 'engine', tier: 6, purpose: 'the program gantryd: configuration, wiring, start, shutdown', faces: [] },
  {
    name: 'cli',
    tier: 6,
    purpose: "the program gantry: docker's command line, over the socket only",
    faces: [],
    only: ['contract', 'base'],
  },
];

/** Modules that only some folders may import, because everything else should go through them. */
export const DOORS: readonly { readonly modules: readonly string[]; readonly folders: readonly string[] }[] = [
  // Serving HTTP, and the client's side of the socket.
  { modules: ['node:http', 'node:http2', 'node:https'], folders: ['api/http', 'cli'] },
  // HTTP to the outside.
  { modules: ['undici'], folders: ['registry'] },
  // Foreign functions.
  { modules: ['koffi'], folders: ['linux'] },
  // Node's spawn forks the whole engine: programs are started by linux/, with posix_spawn.
  { modules: ['node:child_process', 'node:cluster'], folders: ['cli'] },
];

/** Imports that the doors do not allow yet, as `file: module`. The list may only shrink. */
export const DOOR_EXEMPTIONS: readonly string[] = ['layers/archive/open-archive.ts: node:child_process'];

/** The table of ARCHITECTURE.md, in Markdown. */
export function renderTierTable(): string {
  const rows = FOLDERS.map(({ name, tier, purpose, beside, only }) => {
    const lower = tier === 0 ? 'nothing' : `T${tier - 1} and below`;
    const imports = only?.join(', ') ?? [lower, ...(beside ?? [])].join(', ');
    return `| T${tier} | \`${name}/\` | ${purpose} | ${imports} |`;
  });
  const doors = DOORS.map(
    ({ modules, folders }) =>
      `| ${modules.map((name) => `\`${name}\``).join(', ')} | ${folders.map((name) => `\`${name}/\``).join(', ')} |`,
  );
  return [
    '| tier | folder | what it is | may import |',
    '|---|---|---|---|',
    ...rows,
    '',
    '| module | imported only by |',
    '|---|---|',
    ...doors,
  ].join('\n');
}
