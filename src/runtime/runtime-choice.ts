import { existsSync } from 'node:fs';

/** Folders that programs are looked for in when PATH does not have them: dockerd's own PATH on most systems. */
const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** An OCI runtime as daemon.json's `runtimes` names it. */
export interface RuntimeEntry {
  readonly path: string;
  readonly runtimeArgs?: readonly string[];
}

/** What the choice depends on. */
export interface RuntimeHost {
  readonly cgroupVersion: 1 | 2;
  /** Where a host with version 1 controllers mounts the version 2 hierarchy too; undefined if it does not. */
  readonly unifiedMount: string | undefined;
  /** Path of gantry-cgroup1, which hides that mount from the program it runs (native/cgroup1). */
  readonly cgroup1Program: string | undefined;
}

/** The full path of a program, by name or path; undefined if the machine has none. */
export function findProgram(nameOrPath: string, searchPath = process.env.PATH ?? ''): string | undefined {
  if (nameOrPath.includes('/')) return existsSync(nameOrPath) ? nameOrPath : undefined;
  return [...searchPath.split(':'), ...PROGRAM_FOLDERS]
    .filter((folder) => folder !== '')
    .map((folder) => `${folder}/${nameOrPath}`)
    .find((path) => existsSync(path));
}

/**
 * The runtimes a container may name: the configured ones, and runc and crun where the machine has them. The default is
 * the configured one, else crun, which starts a container in a fraction of runc's time, else runc.
 */
export function chooseRuntimes(
  configured: Readonly<Record<string, RuntimeEntry>>,
  defaultName: string | undefined,
  host: RuntimeHost,
): { runtimes: Record<string, RuntimeEntry>; defaultRuntime: string } {
  const runc = findProgram('runc');
  const crun = crunEntry(findProgram('crun'), host);
  const runtimes = { ...(runc && { runc: { path: runc } }), ...(crun && { crun }), ...configured };
  return { runtimes, defaultRuntime: defaultName ?? (crun ? 'crun' : 'runc') };
}

/** crun refuses hosts that mix the cgroup versions: there it must not see the second one. */
function crunEntry(crun: string | undefined, host: RuntimeHost): RuntimeEntry | undefined {
  if (crun === undefined) return undefined;
  // Its own default is systemd, where that runs; the engine's cgroup paths are plain folders.
  const plain = ['--cgroup-manager=cgroupfs'];
  if (host.unifiedMount === undefined) return { path: crun, runtimeArgs: plain };
  if (host.cgroup1Program === undefined) return undefined;
  return { path: host.cgroup1Program, runtimeArgs: [host.unifiedMount, crun, ...plain] };
}
