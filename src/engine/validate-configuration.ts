import { isIPv4 } from 'node:net';
import { isAbsolute } from 'node:path';
import { invalidParameter, LOG_LEVELS } from '../base/index.ts';
import { findProgram } from '../runtime/index.ts';
import type { Configuration } from './options.ts';

/** Runtimes that are looked for on the machine whether or not daemon.json names them. */
const KNOWN_RUNTIMES = ['runc', 'crun'];

const LAST_PORT = 65535;
const LONGEST_IPV4_PREFIX = 32;

/** Throws invalidParameter for the first setting that cannot be. */
export function validateConfiguration(configuration: Configuration): void {
  for (const [isFine, complaint] of checks(configuration)) {
    if (!isFine) throw invalidParameter(complaint);
  }
}

/** What is wrong with a value of daemon.json that is more than text and numbers; undefined if nothing is. */
export function structureFault(key: string, value: unknown): string | undefined {
  if (key === 'runtimes') {
    const broken = Object.entries(value as object).find(([, entry]) => typeof entry?.path !== 'string');
    return broken && `"runtimes": the runtime ${broken[0]} has no path`;
  }
  const pools = value as { base?: unknown; size?: unknown }[];
  const isFine = pools.every(({ base, size }) => typeof base === 'string' && isPrefix(base) && Number.isInteger(size));
  return isFine ? undefined : `"${key}" must be a list of {"base": "10.0.0.0/8", "size": 24}`;
}

function checks(configuration: Configuration): [boolean, string][] {
  const { logLevel, hosts, dataRoot, runDirectory, pidFile, storageDriver, bridgeAddress, logDriver } = configuration;
  const { concurrentDownloads, labels, defaultRuntime, runtimes } = configuration;
  const hasRuntime =
    defaultRuntime === '' ||
    runtimes[defaultRuntime] !== undefined ||
    (KNOWN_RUNTIMES.includes(defaultRuntime) && findProgram(defaultRuntime) !== undefined);
  return [
    [LOG_LEVELS.some((level) => level === logLevel), `invalid logging level: ${logLevel}`],
    ...hosts.map((host): [boolean, string] => [isHost(host), `invalid bind address (${host})`]),
    ...[dataRoot, runDirectory, pidFile].map((path): [boolean, string] => [
      isAbsolute(path),
      `path must be absolute: ${path}`,
    ]),
    [storageDriver === 'overlay2', `unsupported storage driver "${storageDriver}": only overlay2 exists`],
    [
      bridgeAddress === '' || isPrefix(bridgeAddress),
      `invalid bip "${bridgeAddress}": not an address with a prefix length`,
    ],
    [['json-file', 'none'].includes(logDriver), `logger: no log driver named '${logDriver}' is registered`],
    [concurrentDownloads >= 1, `invalid max concurrent downloads: ${concurrentDownloads}`],
    ...labels.map((label): [boolean, string] => [/^[^=]+=/.test(label), `bad attribute format: ${label}`]),
    [hasRuntime, `specified default runtime '${defaultRuntime}' does not exist`],
  ];
}

function isHost(host: string): boolean {
  if (host.startsWith('unix://')) return isAbsolute(host.slice('unix://'.length));
  const match = /^tcp:\/\/([^/:]*|\[[0-9a-f:]+\])(?::(\d+))?\/?$/i.exec(host);
  return match !== null && Number(match[2] ?? 0) <= LAST_PORT;
}

function isPrefix(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  return isIPv4(address) && /^\d+$/.test(length) && Number(length) <= LONGEST_IPV4_PREFIX && rest.length === 0;
}
