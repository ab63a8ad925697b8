import { readFileSync } from 'node:fs';
import { systemError } from '../base/index.ts';
import type { HostConfig } from '../contract/docker/index.ts';
import { parseSeccompProfile, type SecurityRequest } from '../runtime/index.ts';

/** The profile dockerd installs and uses where the kernel enforces AppArmor. */
const APPARMOR_ENABLED_FILE = '/sys/module/apparmor/parameters/enabled';

/** SELinux labels, which containers have only on hosts with SELinux; `disable` is an old way to want none. */
const LABEL_OPTIONS = ['label', 'disable'];

/**
 * What `--security-opt` asks for. Options are `name=value` (or, from old clients, `name:value`). Throws a system error,
 * as dockerd does here, for options that do not exist, and invalidParameter for a seccomp profile that is none.
 */
export function parseSecurity(hostConfig: HostConfig): SecurityRequest {
  let noNewPrivileges = false;
  let seccomp: SecurityRequest['seccomp'] = 'default';
  let writableCgroups = false;
  let apparmor: string | undefined;
  for (const option of hostConfig.SecurityOpt ?? []) {
    const { name, value } = splitOption(option);
    if (name === 'no-new-privileges') noNewPrivileges = parseBoolean(value, option);
    else if (name === 'seccomp') seccomp = seccompFrom(value);
    else if (name === 'apparmor') apparmor = value;
    else if (name === 'writable-cgroups') writableCgroups = parseBoolean(value, option);
    else if (!LABEL_OPTIONS.includes(name)) throw systemError(`invalid --security-opt 2: "${option}"`);
  }
  return { noNewPrivileges, seccomp, writableCgroups, apparmorProfile: isAppArmorEnabled() ? apparmor : undefined };
}

function splitOption(option: string): { name: string; value: string } {
  if (option === 'no-new-privileges' || option === 'disable') return { name: option, value: 'true' };
  const separator = option.includes('=') ? '=' : ':';
  const position = option.indexOf(separator);
  if (position < 0) throw systemError(`invalid --security-opt 1: "${option}"`);
  return { name: option.slice(0, position), value: option.slice(position + 1) };
}

function parseBoolean(value: string, option: string): boolean {
  if (['1', 't', 'true', 'TRUE', 'True', 'T'].includes(value)) return true;
  if (['0', 'f', 'false', 'FALSE', 'False', 'F'].includes(value)) return false;
  throw systemError(`invalid --security-opt 2: "${option}"`);
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
