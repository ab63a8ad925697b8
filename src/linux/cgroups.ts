import { readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../base/index.ts';
import { type MountInfo, readMounts } from './mountinfo.ts';

/** Where the host's cgroup controllers are. */
export interface CgroupHost {
  /** 1 if any resource controller is on a version 1 hierarchy (a hybrid host is 1). */
  readonly version: 1 | 2;
  /** Version 1: mount point by controller (`memory`, `name=systemd`, …). Version 2: one mount point under the name ``. */
  readonly mounts: ReadonlyMap<string, string>;
}

/** One cgroup: a folder in each hierarchy. */
export interface Cgroup {
  readonly path: string;
  /** Its folder where that controller's files are. */
  folder(controller: string): string;
  /** The processes in it and below, in no order; empty if it does not exist. */
  processes(): readonly number[];
  /** Whether its processes are frozen, or about to be; false if it does not exist. */
  isFrozen(): boolean;
  /** Removes it and everything below from every hierarchy; fine where it is missing. EBUSY while processes are in it. */
  remove(): void;
}

// Options of a version 1 mount that are no controllers (kernel/cgroup/cgroup-v1.c).
const NOT_CONTROLLERS: ReadonlySet<string> = new Set([
  'rw',
  'ro',
  'noprefix',
  'xattr',
  'clone_children',
  'cpuset_v2_mode',
]);

/** Looks at the mounts; throws if there is no cgroup file system at all. */
export function detectCgroups(mounts: readonly MountInfo[] = readMounts()): CgroupHost {
  const controllers = new Map<string, string>();
  for (const { type, superOptions, mountPoint } of mounts) {
    if (type !== 'cgroup') continue;
    for (const option of superOptions) {
      if (!NOT_CONTROLLERS.has(option) && !option.startsWith('release_agent=')) controllers.set(option, mountPoint);
    }
  }
  if (controllers.size > 0) return { version: 1, mounts: controllers };
  const unified = mounts.find(({ type }) => type === 'cgroup2');
  if (unified === undefined) throw new Error('no cgroup file system is mounted');
  return { version: 2, mounts: new Map([['', unified.mountPoint]]) };
}

/** The cgroup of that path (absolute, as an OCI bundle's `cgroupsPath` has it); it need not exist. */
export function openCgroup(host: CgroupHost, path: string): Cgroup {
  const folders = [...new Set(host.mounts.values())].map((mount) => join(mount, path));
  const folder = (controller: string) => {
    const mount = host.mounts.get(host.version === 2 ? '' : controller);
    if (mount === undefined) throw new Error(`this host has no cgroup controller ${controller}`);
    return join(mount, path);
  };
  return {
    path,
    folder,
    processes: () => [...new Set(folders.flatMap(processesBelow))],
    isFrozen: () =>
      host.version === 2
        ? readSetting(join(folder(''), 'cgroup.freeze')) === '1'
        : readSetting(join(folder('freezer'), 'freezer.state')).startsWith('FR'), // FROZEN, FREEZING or THAWED
    remove: () => folders.forEach(removeTree),
  };
}

/** A setting's value; empty where the cgroup is missing. */
function readSetting(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}

function processesBelow(folder: string): readonly number[] {
  let text: string;
  try {
    text = readFileSync(join(folder, 'cgroup.procs'), 'utf8');
  } catch (error) {
    // EOPNOTSUPP: a threaded cgroup lists its processes at its root only. ENODEV: it went away meanwhile.
    if (['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
  const own = text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
  return [...own, ...childrenOf(folder).flatMap(processesBelow)];
}

function removeTree(folder: string): void {
  for (const child of childrenOf(folder)) removeTree(child);
  try {
    rmdirSync(folder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function childrenOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Prepares the kernel for moving a process into a cgroup soon. A move takes a lock (cgroup_threadgroup_rwsem) whose first
 * taker waits for an RCU grace period, 10 to 20 ms; for about as long again the next takers do not (kernel/rcu/sync.c). Here
 * this process is moved to where it already is, which changes nothing, while the runtime that has to move one is still
 * starting. Never fails: it only saves time.
 */
export function expectCgroupMove(host: CgroupHost): void {
  const folder = ownFolder(host);
  if (folder !== undefined) void writeFile(join(folder, 'cgroup.procs'), String(process.pid)).catch(() => undefined);
}

/** The folder of this process's own cgroup in the first hierarchy that says where it is. */
function ownFolder(host: CgroupHost): string | undefined {
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const [, controllers = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const mount = host.mounts.get(controllers.split(',')[0] ?? '');
    if (mount !== undefined && path !== undefined) return join(mount, path);
  }
  return undefined;
}
