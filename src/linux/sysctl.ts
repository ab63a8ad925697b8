import { writeFileSync } from 'node:fs';
import { errnoOf } from '../base/index.ts';
import type { SysctlOperation } from './operations.ts';

/** Writes a sysctl of the namespace the thread is in: /proc/sys/net resolves per opener. */
export function writeSysctl({ key, value, ignoreMissing }: SysctlOperation): undefined {
  try {
    writeFileSync(`/proc/sys/${key}`, value);
  } catch (error) {
    if (ignoreMissing !== true || errnoOf(error) !== 'ENOENT') throw error;
  }
}
