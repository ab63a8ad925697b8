import { invalidParameter } from '../base/index.ts';
import type { HostConfig, RestartPolicy } from '../contract/docker/index.ts';
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, normalizeCapabilities } from '../runtime/index.ts';

/** Smallest memory limit a container can start with (moby `daemon_unix.go`, linuxMinMemory). */
const MIN_MEMORY_BYTES = 6 << 20;

const DEFAULT_SHM_BYTES = 64 << 20;
const NANOCPUS_PER_CPU = 1e9;

// CFS limits of the kernel (Documentation/scheduler/sched-bwc.rst).
const MIN_CPU_PERIOD_MICROSECONDS = 1_000;
const MAX_CPU_PERIOD_MICROSECONDS = 1_000_000;
const MIN_CPU_QUOTA_MICROSECONDS = 1_000;

/** What the defaults and checks depend on. */
export interface HostLimits {
  readonly cpuCount: number;
  readonly cgroupVersion: 1 | 2;
  readonly defaultRuntime: string;
  readonly runtimes: readonly string[];
}

/** The client's HostConfig as dockerd stores it: checked, with defaults filled in. Throws invalidParameter. */
export function completeHostConfig(client: HostConfig, limits: HostLimits): HostConfig {
  validateHostConfig(client, limits);
  return {
    ...client,
    LogConfig: {
      Type: client.LogConfig.Type || 'json-file',
      Config: client.LogConfig.Config ?? {},
    },
    NetworkMode: client.NetworkMode === '' || client.NetworkMode === 'default' ? 'bridge' : client.NetworkMode,
    RestartPolicy: { ...client.RestartPolicy, Name: client.RestartPolicy.Name || 'no' },
    CapAdd: normalizeCapabilities(client.CapAdd, 'CapAdd'),
    CapDrop: normalizeCapabilities(client.CapDrop, 'CapDrop'),
    CgroupnsMode: client.CgroupnsMode || defaultCgroupNamespace(client, limits),
    IpcMode: client.IpcMode || 'private',
    ShmSize: client.ShmSize || DEFAULT_SHM_BYTES,
    Runtime: client.Runtime || limits.defaultRuntime,
    MemorySwap: client.Memory > 0 && client.MemorySwap === 0 ? client.Memory * 2 : client.MemorySwap,
    MemorySwappiness: client.MemorySwappiness === -1 ? null : client.MemorySwappiness,
    OomKillDisable: limits.cgroupVersion === 2 ? null : (client.OomKillDisable ?? false),
    ...paths(client),
  };
}

function defaultCgroupNamespace(client: HostConfig, limits: HostLimits): 'private' | 'host' {
  return limits.cgroupVersion === 2 && !client.Privileged ? 'private' : 'host';
}

function paths(client: HostConfig): Pick<HostConfig, 'MaskedPaths' | 'ReadonlyPaths'> {
  const unconfined = client.SecurityOpt?.includes('systempaths=unconfined') === true;
  if (unconfined) return { MaskedPaths: [], ReadonlyPaths: [] };
  const chosen = (given: string[] | null, defaults: readonly string[]) =>
    given ?? (client.Privileged ? null : [...defaults]);
  return {
    MaskedPaths: chosen(client.MaskedPaths, DEFAULT_MASKED_PATHS),
    ReadonlyPaths: chosen(client.ReadonlyPaths, DEFAULT_READONLY_PATHS),
  };
}

function validateHostConfig(client: HostConfig, limits: HostLimits): void {
  const { RestartPolicy: restart } = client;
  validateRestartPolicy(restart);
  if (client.AutoRemove && restart.Name !== '' && restart.Name !== 'no') {
    throw invalidParameter("can't create 'AutoRemove' container with restart policy");
  }
  validateMemory(client);
  validateCpu(client, limits);
  validateModes(client);
  if (client.ShmSize < 0) throw invalidParameter('SHM size can not be less than 0');
  if (client.OomScoreAdj < -1000 || client.OomScoreAdj > 1000) {
    throw invalidParameter(`Invalid value ${client.OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (client.Runtime !== '' && !limits.runtimes.includes(client.Runtime)) {
    throw invalidParameter(`unknown or invalid runtime name: ${client.Runtime}`);
  }
  const { Type: driver } = client.LogConfig;
  if (driver !== '' && driver !== 'json-file' && driver !== 'none') {
    throw invalidParameter(`logger: no log driver named '${driver}' is registered`);
  }
  for (const rule of client.DeviceCgroupRules ?? []) {
    if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(rule)) {
      throw invalidParameter(`invalid device cgroup rule format: '${rule}'`);
    }
  }
  for (const entry of client.ExtraHosts ?? []) {
    if (!/^[^:]+:.+$/.test(entry)) throw invalidParameter(`bad format for add-host: "${entry}"`);
  }
}

function validateRestartPolicy(policy: RestartPolicy): void {
  const { Name: name, MaximumRetryCount: retries } = policy;
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(name)) {
    throw invalidParameter(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (name !== 'on-failure' && retries !== 0) {
    const unlimited = retries < 0 ? ' and cannot be negative' : '';
    throw invalidParameter(
      `invalid restart policy: maximum retry count can only be used with 'on-failure'${unlimited}`,
    );
  }
  if (retries < 0) throw invalidParameter('invalid restart policy: maximum retry count cannot be negative');
}

function validateMemory(client: HostConfig): void {
  const { Memory: memory, MemorySwap: swap, MemoryReservation: reservation, MemorySwappiness: swappiness } = client;
  if (memory > 0 && memory < MIN_MEMORY_BYTES) throw invalidParameter('Minimum memory limit allowed is 6MB');
  if (memory > 0 && swap > 0 && swap < memory) {
    throw invalidParameter('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memory === 0 && swap > 0) {
    throw invalidParameter('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (swappiness !== null && (swappiness < -1 || swappiness > 100)) {
    throw invalidParameter(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (reservation > 0 && reservation < MIN_MEMORY_BYTES) {
    throw invalidParameter('Minimum memory reservation allowed is 6MB');
  }
  if (memory > 0 && reservation > memory) {
    throw invalidParameter('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

function validateCpu(client: HostConfig, limits: HostLimits): void {
  const { NanoCpus: nanoCpus, CpuPeriod: period, CpuQuota: quota } = client;
  if (nanoCpus > 0 && period > 0) {
    throw invalidParameter('Conflicting options: Nano CPUs and CPU Period cannot both be set.');
  }
  if (nanoCpus > 0 && quota > 0) {
    throw invalidParameter('Conflicting options: Nano CPUs and CPU Quota cannot both be set.');
  }
  if (nanoCpus < 0 || nanoCpus > limits.cpuCount * NANOCPUS_PER_CPU) {
    throw invalidParameter(
      `range of CPUs is from 0.01 to ${limits.cpuCount}.00, as there are only ${limits.cpuCount} CPUs available`,
    );
  }
  if (period !== 0 && (period < MIN_CPU_PERIOD_MICROSECONDS || period > MAX_CPU_PERIOD_MICROSECONDS)) {
    throw invalidParameter('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (quota > 0 && quota < MIN_CPU_QUOTA_MICROSECONDS) {
    throw invalidParameter('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
}

function validateModes(client: HostConfig): void {
  const isOneOf = (value: string, words: readonly string[]) => words.includes(value) || value.startsWith('container:');
  if (!isOneOf(client.IpcMode, ['', 'none', 'private', 'shareable', 'host'])) {
    throw invalidParameter(`invalid IPC mode: ${client.IpcMode}`);
  }
  if (!isOneOf(client.PidMode, ['', 'host'])) throw invalidParameter(`invalid PID mode: ${client.PidMode}`);
  if (!['', 'host'].includes(client.UTSMode)) throw invalidParameter(`invalid UTS mode: ${client.UTSMode}`);
  if (!['', 'host'].includes(client.UsernsMode)) throw invalidParameter(`invalid userns mode: ${client.UsernsMode}`);
  if (!['', 'host', 'private'].includes(client.CgroupnsMode)) {
    throw invalidParameter(`invalid cgroup namespace mode: ${client.CgroupnsMode}`);
  }
}
