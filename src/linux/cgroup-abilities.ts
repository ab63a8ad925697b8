import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupHost } from './cgroups.ts';

/** What of the cgroup controllers differs between kernels, as far as containers can ask for it. */
export interface CgroupAbilities {
  /** CPUs that processes may be bound to, as the kernel lists them (`0-3,6`); empty where it has no such controller. */
  readonly cpus: string;
  /** The same of memory nodes. */
  readonly memoryNodes: string;
  readonly blockIoWeight: boolean;
  readonly blockIoWeightDevice: boolean;
}

/** Asks the root cgroup (cgroup-v1/blkio-controller.rst, cgroup-v1/cpusets.rst, cgroup-v2.rst). */
export function readCgroupAbilities({ version, mounts }: CgroupHost): CgroupAbilities {
  if (version === 2) {
    const root = mounts.get('') ?? '';
    const hasInputOutput = readText(join(root, 'cgroup.controllers')).split(' ').includes('io');
    return {
      cpus: readText(join(root, 'cpuset.cpus.effective')),
      memoryNodes: readText(join(root, 'cpuset.mems.effective')),
      blockIoWeight: hasInputOutput,
      blockIoWeightDevice: hasInputOutput,
    };
  }
  const cpuset = mounts.get('cpuset') ?? '';
  const blockIo = mounts.get('blkio') ?? '';
  return {
    cpus: readText(join(cpuset, 'cpuset.cpus')),
    memoryNodes: readText(join(cpuset, 'cpuset.mems')),
    blockIoWeight: existsSync(join(blockIo, 'blkio.weight')),
    blockIoWeightDevice: existsSync(join(blockIo, 'blkio.weight_device')),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
