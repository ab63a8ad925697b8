import { readFileSync } from 'node:fs';
import { invalidParameter } from '../base/index.ts';
import type { HostConfig } from '../contract/docker/index.ts';
import { parseSeccompProfile, type SecurityRequest } from '../runtime/index.ts';

/** The profile dockerd installs and uses where the kernel enforces AppArmor. */
const APPARMOR_ENABLED_FILE = '/sys/module/apparmor/parameters/enabled';

/**
 * What `--security-opt` and `--privileged` ask for. Throws invalidParameter for options that do not exist.
 * Options are `name=value` (or, from old clients, `name:value`).
 */
export function parseSecurity(hostConfig: HostConfig): SecurityRequest {
  let noNewPrivileges = false;
  let seccomp: SecurityRequest['seccomp'] = 'default';
  let apparmor: string | undefined;
  for (const option of hostConfig.SecurityOpt ?? []) {
    const { name, value } = splitOption(option);
    if (name === 'no-new-privileges') noNewPrivileges = parseBoolean(value, option);
    else if (name === 'seccomp') seccomp = seccompFrom(value);
    else if (name === 'apparmor') apparmor = value;
    else if (name === 'label' || name === 'systempaths' || name === 'writable-cgroups') continue;
    else throw invalidParameter(`invalid --security-opt 2: "${option}"`);
  }
  return { noNewPrivileges, seccomp, apparmorProfile: isAppArmorEnabled() ? apparmor : undefined };
}

function splitOption(option: string): { name: string; value: string } {
  if (option === 'no-new-privileges') return { name: option, value: 'true' };
  const separator = option.includes('=') ? '=' : ':';
  const position = option.indexOf(separator);
  if (position < 0) throw invalidParameter(`invalid --security-opt 1: "${option}"`);
  return { name: option.slice(0, position), value: option.slice(position + 1) };
}

function parseBoolean(value: string, option: string): boolean {
  if (['1', 't', 'true', 'TRUE', 'True', 'T'].includes(value)) return true;
  if (['0', 'f', 'false', 'FALSE', 'False', 'F'].includes(value)) return false;
  throw invalidParameter(`invalid --security-opt 2: "${option}"`);
}

function seccompFrom(value: string): SecurityRequest['seccomp'] {
  if (value === 'unconfined') return 'unconfined';
  return value === 'builtin' || value === '' ? 'default' : parseSeccompProfile(value);
}

function isAppArmorEnabled(): boolean {
  try {
    return readFileSync(APPARMOR_ENABLED_FILE, 'utf8').startsWith('Y');
  } catch {
    return false;
  }
}
