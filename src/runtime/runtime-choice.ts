import { existsSync } from 'node:fs';

/** Folders that programs are looked for in when PATH does not have them: dockerd's own PATH on most systems. */
const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** An OCI runtime as daemon.json's `runtimes` names it. */
export interface RuntimeEntry {
  readonly path: string;
  readonly runtimeArgs?: readonly string[];
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
 * the configured one; else crun, which starts quicker, where it works (it refuses hosts whose cgroup v1 and v2 are mixed),
 * else runc.
 */
export function chooseRuntimes(
  configured: Readonly<Record<string, RuntimeEntry>>,
  defaultName: string | undefined,
  cgroupVersion: 1 | 2,
): { runtimes: Record<string, RuntimeEntry>; defaultRuntime: string } {
  const found: Record<string, RuntimeEntry> = {};
  for (const name of ['runc', 'crun']) {
    const path = findProgram(name);
    if (path !== undefined && (name !== 'crun' || cgroupVersion === 2)) found[name] = { path };
  }
  const runtimes = { ...found, ...configured };
  const fallback = found.crun ? 'crun' : 'runc';
  return { runtimes, defaultRuntime: defaultName ?? fallback };
}
