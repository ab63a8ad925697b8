import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unavailable } from '../base/index.ts';
import { detectCgroups, readMounts } from '../linux/index.ts';
import { findProgram } from '../runtime/index.ts';

/** What the machine is, as far as containers depend on it. */
export function describeHost() {
  const cgroups = detectCgroups();
  const unified = cgroups.version === 1 ? readMounts().find((mount) => mount.type === 'cgroup2') : undefined;
  return {
    architecture: arch(),
    kernelRelease: release(),
    cgroups,
    cgroupVersion: cgroups.version,
    unifiedMount: unified?.mountPoint,
    capabilities: boundingCapabilities(),
    hostname: hostname(),
    cpuCount: cpus().length,
    memoryBytes: totalmem(),
    operatingSystem: osRelease('PRETTY_NAME') ?? 'Linux',
    osVersion: osRelease('VERSION_ID') ?? '',
  };
}

export type Host = ReturnType<typeof describeHost>;

/** GOARCH's name of the architecture, which images and the API use. */
export function goArchitecture(architecture: string): string {
  return { x64: 'amd64', ia32: '386' }[architecture] ?? architecture;
}

/** The path of gantry-shim. Throws unavailable. */
export function findShim(): string {
  const found = process.env.GANTRY_SHIM ?? findNative('gantry-shim');
  if (found === undefined) throw unavailable('gantry-shim is not built: run make in native/shim');
  return found;
}

/** A program of `native/`: beside the bundles or, in a checkout, where its build leaves it. */
export function findNative(name: string): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  const folders = [here, join(here, '../native/shim/build'), join(here, '../../native/shim/build')];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The program for `--init`: the configured one, or Debian's tini. */
export function findInit(configured: string): string | undefined {
  return configured === ''
    ? (findProgram('docker-init') ?? findProgram('tini-static') ?? findProgram('tini'))
    : findProgram(configured);
}

/** What the engine may hand on: inside a container, or under systemd, that can be less than the kernel knows. */
function boundingCapabilities(): bigint {
  const bits = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readText('/proc/self/status'))?.[1];
  return BigInt(`0x${bits ?? '0'}`);
}

function osRelease(key: string): string | undefined {
  return new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(readText('/etc/os-release'))?.[1];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
