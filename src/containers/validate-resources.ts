import { invalidParameter, messageOf } from '../base/index.ts';
import type { HostConfig } from '../contract/docker/index.ts';
import type { HostLimits } from './host-config.ts';
import { parseIdList } from './id-list.ts';
import { type Check, refuseFirst } from './refuse-first.ts';

/** Smallest memory limit a container can start with (moby `daemon_unix.go`, linuxMinMemory). */
const MIN_MEMORY_BYTES = 6 << 20;

const NANOCPUS_PER_CPU = 1e9;

// CFS limits of the kernel (Documentation/scheduler/sched-bwc.rst).
const MIN_CPU_PERIOD_MICROSECONDS = 1_000;
const MAX_CPU_PERIOD_MICROSECONDS = 1_000_000;
const MIN_CPU_QUOTA_MICROSECONDS = 1_000;

// cgroup-v1/blkio-controller.rst; dockerd converts for version 2.
const MIN_BLOCK_IO_WEIGHT = 10;
const MAX_BLOCK_IO_WEIGHT = 1_000;

/** Throws invalidParameter for the first limit that no container can have. */
export function validateResources(client: HostConfig, limits: HostLimits): void {
  refuseFirst([...memoryChecks(client), ...cpuChecks(client, limits), ...inputOutputChecks(client, limits)]);
  requireAvailable('cpuset cpus', 'CPUs', client.CpusetCpus, limits.cgroups.cpus);
  requireAvailable('cpuset mems', 'memory nodes', client.CpusetMems, limits.cgroups.memoryNodes);
}

function memoryChecks(client: HostConfig): Check[] {
  const { Memory: memory, MemorySwap: swap, MemoryReservation: reservation } = client;
  const swappiness = client.MemorySwappiness ?? -1;
  return [
    [memory !== 0 && memory < MIN_MEMORY_BYTES, 'Minimum memory limit allowed is 6MB'],
    [memory > 0 && swap > 0 && swap < memory, 'Minimum memoryswap limit should be larger than memory limit, see usage'],
    [memory === 0 && swap > 0, 'You should always set the Memory limit when using Memoryswap limit, see usage'],
    [swappiness < -1 || swappiness > 100, `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`],
    [reservation > 0 && reservation < MIN_MEMORY_BYTES, 'Minimum memory reservation allowed is 6MB'],
    [
      memory > 0 && reservation > memory,
      'Minimum memory limit can not be less than memory reservation limit, see usage',
    ],
  ];
}

function cpuChecks(client: HostConfig, { cpuCount }: HostLimits): Check[] {
  const { NanoCpus: nanoCpus, CpuPeriod: period, CpuQuota: quota, CpuShares: shares } = client;
  const { CpuRealtimePeriod: realtimePeriod, CpuRealtimeRuntime: realtimeRuntime } = client;
  return [
    [nanoCpus > 0 && period > 0, 'Conflicting options: Nano CPUs and CPU Period cannot both be set'],
    [nanoCpus > 0 && quota > 0, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
    [
      nanoCpus < 0 || nanoCpus > cpuCount * NANOCPUS_PER_CPU,
      `range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`,
    ],
    [shares < 0, `invalid CPU shares (${shares}): value must be a positive integer`],
    [
      period !== 0 && (period < MIN_CPU_PERIOD_MICROSECONDS || period > MAX_CPU_PERIOD_MICROSECONDS),
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    ],
    [quota > 0 && quota < MIN_CPU_QUOTA_MICROSECONDS, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
    [
      realtimePeriod !== 0 && realtimeRuntime > realtimePeriod,
      'cpu real-time runtime cannot be higher than cpu real-time period',
    ],
  ];
}

function inputOutputChecks(client: HostConfig, { cgroups }: HostLimits): Check[] {
  const { BlkioWeight: weight } = client;
  return [
    [
      cgroups.blockIoWeight && weight !== 0 && (weight < MIN_BLOCK_IO_WEIGHT || weight > MAX_BLOCK_IO_WEIGHT),
      'Range of blkio weight is from 10 to 1000',
    ],
    [client.IOMaximumBandwidth !== 0, 'invalid option: QoS maximum bandwidth configuration is not supported on linux'],
    [client.IOMaximumIOps !== 0, 'invalid option: QoS maximum IOPs configuration is not supported on linux'],
  ];
}

function requireAvailable(option: string, what: string, wanted: string, available: string): void {
  const present = parseIdList(available);
  let requested: ReadonlySet<number>;
  try {
    requested = parseIdList(wanted);
  } catch (error) {
    throw invalidParameter(`Invalid value ${wanted} for ${option}: ${messageOf(error)}`);
  }
  if ([...requested].every((id) => present.has(id))) return;
  throw invalidParameter(`Requested ${what} are not available - requested ${wanted}, available: ${available}`);
}
