import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unavailable } from '../base/index.ts';
import { detectCgroups } from '../linux/index.ts';
import { findProgram } from '../runtime/index.ts';

/** The highest capability of kernels that do not say: CAP_AUDIT_READ, Linux 3.16. */
const OLD_LAST_CAPABILITY = 37;

/** What the machine is, as far as containers depend on it. */
export function describeHost() {
  const cgroups = detectCgroups();
  return {
    architecture: arch(),
    kernelRelease: release(),
    cgroups,
    cgroupVersion: cgroups.version,
    lastCapability: Number(readText('/proc/sys/kernel/cap_last_cap') || OLD_LAST_CAPABILITY),
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

/** The path of gantry-shim: beside the bundles or, in a checkout, where its build leaves it. Throws unavailable. */
export function findShim(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [
    join(here, 'gantry-shim'),
    join(here, '../native/shim/build/gantry-shim'),
    join(here, '../../native/shim/build/gantry-shim'),
  ];
  const found = process.env.GANTRY_SHIM ?? candidates.find((path) => existsSync(path));
  if (found === undefined) throw unavailable(`gantry-shim is not built: run make in native/shim`);
  return found;
}

/** The program for `--init`: the configured one, or Debian's tini. */
export function findInit(configured: string): string | undefined {
  return configured === ''
    ? (findProgram('docker-init') ?? findProgram('tini-static') ?? findProgram('tini'))
    : findProgram(configured);
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
