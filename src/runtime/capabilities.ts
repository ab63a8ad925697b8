import { invalidParameter } from '../base/index.ts';

/** Every capability of capabilities(7), by number. */
const ALL_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

/** What a container may do unless told otherwise: Docker's documented default set (docs.docker.com, "Runtime privilege and Linux capabilities"). */
const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
] as const;

const ALL = 'ALL';

/** The client's names as the kernel has them: upper case with `CAP_`, or `ALL`; sorted, without repeats. */
export function normalizeCapabilities(names: readonly string[] | null): string[] {
  const full = (name: string) => (name === ALL || name.startsWith('CAP_') ? name : `CAP_${name}`);
  return [...new Set((names ?? []).map((name) => full(name.toUpperCase())))].sort();
}

/** Throws invalidParameter for names that are no capabilities, and for capabilities that the engine cannot hand out. */
export function requireCapabilities(
  names: readonly string[] | null,
  field: 'CapAdd' | 'CapDrop',
  available: bigint,
): void {
  const known: readonly string[] = ALL_CAPABILITIES;
  for (const name of normalizeCapabilities(names)) {
    if (name === ALL) continue;
    if (!known.includes(name)) throw invalidParameter(`invalid ${field}: unknown capability: "${name}"`);
    if (isAvailable(known.indexOf(name), available)) continue;
    throw invalidParameter(
      `invalid ${field}: capability not supported by your kernel or not available in the current environment: "${name}"`,
    );
  }
}

/**
 * The capabilities of a process in a container.
 * @param available the capabilities the engine itself can hand out, one bit each (CapBnd of /proc/self/status)
 */
export function effectiveCapabilities(
  request: { privileged: boolean; add: readonly string[] | null; drop: readonly string[] | null },
  available: bigint,
): string[] {
  const known: readonly string[] = ALL_CAPABILITIES.filter((_, number) => isAvailable(number, available));
  if (request.privileged) return [...known];
  const add = normalizeCapabilities(request.add);
  const drop = normalizeCapabilities(request.drop);
  const base = drop.includes(ALL) ? [] : add.includes(ALL) ? known : DEFAULT_CAPABILITIES;
  const kept = [...base, ...(add.includes(ALL) && drop.includes(ALL) ? known : add)].filter(
    (name) => name !== ALL && !(drop.includes(name) && !drop.includes(ALL)) && known.includes(name),
  );
  return [...new Set(kept)];
}

function isAvailable(number: number, available: bigint): boolean {
  return ((available >> BigInt(number)) & 1n) === 1n;
}
