import { invalidParameter } from '../base/index.ts';
import type { OciSeccomp } from './oci.ts';
import defaultProfile from './seccomp-default.json' with { type: 'json' };

/** A profile in Docker's format (moby `profiles/seccomp`): rules with conditions on architecture, kernel and capabilities. */
export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  archMap?: { architecture: string; subArchitectures: string[] | null }[];
  flags?: string[];
  syscalls: {
    names?: string[];
    name?: string;
    action: string;
    errnoRet?: number;
    args?: { index: number; value: number; valueTwo?: number; op: string }[];
    includes?: SeccompCondition;
    excludes?: SeccompCondition;
  }[];
}

interface SeccompCondition {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}

/** What the conditions of a profile are asked about. */
export interface SeccompHost {
  /** `process.arch`: x64, arm64, … */
  readonly architecture: string;
  /** uname's release, such as 6.1.0-13-amd64. */
  readonly kernelRelease: string;
}

// Seccomp's own names of the machine (libseccomp) and the names Docker's conditions use (GOARCH).
const ARCHITECTURES: Record<string, { seccomp: string; names: readonly string[] }> = {
  x64: { seccomp: 'SCMP_ARCH_X86_64', names: ['amd64', 'x32', 'x86'] },
  arm64: { seccomp: 'SCMP_ARCH_AARCH64', names: ['arm64', 'arm'] },
};

/** Docker's default profile, as data (moby, profiles/seccomp/default.json). */
export const DEFAULT_SECCOMP_PROFILE = defaultProfile as SeccompProfile;

/** The profile a client sent as JSON text; throws invalidParameter if it is none. */
export function parseSeccompProfile(text: string): SeccompProfile {
  try {
    const profile = JSON.parse(text) as SeccompProfile;
    if (typeof profile.defaultAction !== 'string') throw new Error('no defaultAction');
    return profile;
  } catch (error) {
    throw invalidParameter(`Decoding seccomp profile failed: ${error instanceof Error ? error.message : error}`);
  }
}

/** The OCI runtime's form of `profile` on this host for a process with these capabilities. */
export function resolveSeccomp(
  profile: SeccompProfile,
  capabilities: readonly string[],
  host: SeccompHost,
): OciSeccomp {
  const architecture = ARCHITECTURES[host.architecture];
  const mapped = profile.archMap?.find((entry) => entry.architecture === architecture?.seccomp);
  const holds = (condition: SeccompCondition | undefined) => ({
    arches: condition?.arches?.some((name) => name === architecture?.names[0]),
    caps: condition?.caps?.some((name) => capabilities.includes(name)),
    minKernel: condition?.minKernel === undefined ? undefined : kernelAtLeast(host.kernelRelease, condition.minKernel),
  });
  const applies = (rule: SeccompProfile['syscalls'][number]) =>
    Object.values(holds(rule.includes)).every((answer) => answer !== false) &&
    Object.values(holds(rule.excludes)).every((answer) => answer !== true);
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : (profile.architectures ?? []),
    ...(profile.flags && { flags: profile.flags }),
    syscalls: profile.syscalls.filter(applies).map((rule) => ({
      names: rule.names ?? (rule.name === undefined ? [] : [rule.name]),
      action: rule.action,
      ...(rule.errnoRet !== undefined && { errnoRet: rule.errnoRet }),
      ...(rule.args && rule.args.length > 0 && { args: rule.args }),
    })),
  };
}

function kernelAtLeast(release: string, wanted: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
