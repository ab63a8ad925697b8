/** Flags of limits and devices. */

import { readFileSync } from 'node:fs';
import type {
  DeviceMapping,
  DeviceRequest,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  WeightDevice,
} from '../../contract/docker/index.ts';
import { splitFields, unexpectedKey } from './csv.ts';
import { openFailure } from './environment.ts';
import { cut } from './flag.ts';
import { parseBytes, parseInteger, parseUnsigned } from './numbers.ts';

/** The limits `--ulimit` knows (getrlimit(2)), by docker's names. */
const ULIMIT_NAMES = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

/** `--ulimit name=soft[:hard]`. */
export function parseUlimit(given: string): Ulimit {
  const [name, limits] = cut(given, '=');
  if (limits === undefined || limits.includes('=')) throw new Error(`invalid ulimit argument: ${given}`);
  if (!ULIMIT_NAMES.includes(name)) throw new Error(`invalid ulimit type: ${name}`);
  const values = limits.split(':');
  if (values.length > 2) {
    throw new Error(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  const [soft = 0, hard = soft] = values.map(parseInteger);
  if (hard !== -1 && (soft > hard || soft === -1)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Soft: soft, Hard: hard };
}

/** sysctls a container may have of its own (runc's list). */
const SYSCTLS = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
];

/** Refuses a `--sysctl` that is not the container's own. */
export function checkSysctl(given: string): void {
  const [name, value] = cut(given, '=');
  const allowed = SYSCTLS.includes(name) || name.startsWith('net.') || name.startsWith('fs.mqueue.');
  if (value === undefined || !allowed) throw new Error(`sysctl '${given}' is not allowed`);
}

/** `--device-read-bps /dev/sda:1mb`. */
export function parseRateInBytes(given: string): ThrottleDevice {
  return parseThrottle(
    given,
    parseBytes,
    '<device-path>:<number>[<unit>]',
    '. Unit is optional and can be kb, mb, or gb',
  );
}

/** `--device-read-iops /dev/sda:1000`. */
export function parseRateInOperations(given: string): ThrottleDevice {
  return parseThrottle(given, (text) => parseUnsigned(text, 64), '<device-path>:<number>', '');
}

function parseThrottle(given: string, parse: (text: string) => number, form: string, unit: string): ThrottleDevice {
  const [path, rate] = devicePair(given);
  try {
    return { Path: path, Rate: parse(rate) };
  } catch {
    throw new Error(
      `invalid rate for device: ${given}. The correct format is ${form}. Number must be a positive integer${unit}`,
    );
  }
}

/** Weights of the blkio controller. */
const WEIGHT_RANGE = { least: 10, most: 1000 };

/** `--blkio-weight-device /dev/sda:500`. */
export function parseWeightDevice(given: string): WeightDevice {
  const [path, weight] = devicePair(given);
  const value = /^\d+$/.test(weight) ? Number(weight) : Number.NaN;
  if (!(value === 0 || (value >= WEIGHT_RANGE.least && value <= WEIGHT_RANGE.most))) {
    throw new Error(`invalid weight for device: ${given}`);
  }
  return { Path: path, Weight: value };
}

function devicePair(given: string): [string, string] {
  const [path, value] = cut(given, ':');
  if (value === undefined) throw new Error(`bad format: ${given}`);
  if (!path.startsWith('/dev/')) throw new Error(`bad format for device path: ${given}`);
  return [path, value];
}

/** True for a device of the Container Device Interface (`vendor.com/class=name`). */
export function isCdiDevice(given: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9_.-]*\/[a-zA-Z][a-zA-Z0-9_.-]*=[a-zA-Z0-9_.:-]+$/.test(given);
}

/** `--device /dev/x[:/dev/y][:rwm]`. */
export function parseDevice(given: string): DeviceMapping {
  const parts = given.split(':');
  const isMode = (text: string | undefined) =>
    text !== undefined && /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
  if (parts.length > 3 || parts[0] === '') throw new Error(`bad format for path: ${given}`);
  const [source = '', second, third] = parts;
  const mode = third ?? (isMode(second) ? second : 'rwm') ?? 'rwm';
  const target = second === undefined || (third === undefined && isMode(second)) ? source : second;
  if (!isMode(mode)) throw new Error(`bad mode specified: ${mode}`);
  if (!target.startsWith('/')) throw new Error(`${target} is not an absolute path`);
  return { PathOnHost: source, PathInContainer: target, CgroupPermissions: mode };
}

/** `--gpus all`, `--gpus 2`, `--gpus device=0,capabilities=utility`. */
export function parseGpus(given: string): DeviceRequest {
  const request: DeviceRequest = {
    Driver: '',
    Count: 0,
    DeviceIDs: null,
    Capabilities: [['gpu']],
    Options: {},
  };
  for (const field of splitFields(given)) {
    const { key, value } = field;
    if (value === undefined) request.Count = gpuCount(key);
    else if (key === 'driver') request.Driver = value;
    else if (key === 'count') request.Count = gpuCount(value);
    else if (key === 'device') request.DeviceIDs = value.split(',');
    else if (key === 'capabilities') request.Capabilities = [[...value.split(','), 'gpu']];
    else if (key === 'options') {
      request.Options = Object.fromEntries(
        value
          .split(',')
          .map((each) => cut(each, '='))
          .map(([k, v]) => [k, v ?? '']),
      );
    } else throw unexpectedKey(field);
  }
  if (request.DeviceIDs === null && request.Count === 0) request.Count = 1;
  return request;
}

function gpuCount(text: string): number {
  if (text === 'all') return -1;
  if (!/^-?\d+$/.test(text))
    throw new Error(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
  return Number(text);
}

/** `--restart name[:count]`; unknown names are the engine's to refuse. */
export function parseRestartPolicy(given: string): RestartPolicy {
  if (given === '') return { Name: 'no', MaximumRetryCount: 0 };
  const [name, count] = cut(given, ':');
  if (count !== undefined && name === '') {
    throw new Error('invalid restart policy format: no policy provided before colon');
  }
  if (count !== undefined && !/^-?\d+$/.test(count)) {
    throw new Error('invalid restart policy format: maximum retry count must be an integer');
  }
  return { Name: name as RestartPolicy['Name'], MaximumRetryCount: Number(count ?? 0) };
}

/** Names of seccomp profiles that are no files. */
const SECCOMP_NAMES = ['builtin', 'unconfined'];

/** `--security-opt`s, with seccomp profiles read from their files. */
export function parseSecurityOptions(given: readonly string[]): string[] {
  return given.map((option) => {
    const [name, value] = cut(option, option.includes('=') ? '=' : ':');
    if (name === 'no-new-privileges') return option;
    if (!value) throw new Error(`Invalid --security-opt: ${JSON.stringify(option)}`);
    return name === 'seccomp' && !SECCOMP_NAMES.includes(value) ? `seccomp=${readProfile(value)}` : option;
  });
}

function readProfile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`opening seccomp profile (${path}) failed: ${openFailure(path, error)}`);
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `compacting json for seccomp profile (${path}) failed: ${error instanceof Error ? error.message : error}`,
    );
  }
}
