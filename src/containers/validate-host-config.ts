import { isIP } from 'node:net';
import { isAbsolute, posix } from 'node:path';
import { invalidParameter, systemError } from '../base/index.ts';
import type { DeviceRequest, HostConfig, PortMap, RestartPolicy } from '../contract/docker/index.ts';
import { requireCapabilities } from '../runtime/index.ts';
import type { HostLimits } from './host-config.ts';
import { refuseFirst } from './refuse-first.ts';
import { validateLogConfig } from './validate-log-config.ts';
import { validateResources } from './validate-resources.ts';

const LAST_PORT = 65535;

/** The name by which containerd knows runc: a container that asks for it gets the default runtime. */
const CONTAINERD_RUNC = 'io.containerd.runc.v2';

/** Throws dockerd's error for what no container on this host can have; modes and mounts are checked elsewhere. */
export function validateHostConfig(client: HostConfig, limits: HostLimits): void {
  const { RestartPolicy: restart } = client;
  validateRestartPolicy(restart);
  refuseFirst([
    [
      client.AutoRemove && restart.Name !== '' && restart.Name !== 'no',
      "can't create 'AutoRemove' container with restart policy",
    ],
    [client.ShmSize < 0, 'SHM size can not be less than 0'],
    [
      client.OomScoreAdj < -1000 || client.OomScoreAdj > 1000,
      `Invalid value ${client.OomScoreAdj}, range for oom score adj is [-1000, 1000]`,
    ],
    [
      ![...limits.runtimes, CONTAINERD_RUNC, ''].includes(client.Runtime),
      `unknown or invalid runtime name: ${client.Runtime}`,
    ],
    [
      Object.keys(client.Annotations ?? {}).includes(''),
      'invalid Annotations: the empty string is not permitted as an annotation key',
    ],
  ]);
  validateResources(client, limits);
  validateLogConfig(client.LogConfig);
  requireCapabilities(client.CapAdd, 'CapAdd', limits.capabilities);
  requireCapabilities(client.CapDrop, 'CapDrop', limits.capabilities);
  validatePortBindings(client.PortBindings ?? {});
  for (const path of Object.keys(client.Tmpfs ?? {})) validateTmpfsPath(path);
  for (const entry of client.ExtraHosts ?? []) validateExtraHost(entry);
  for (const rule of client.DeviceCgroupRules ?? []) validateDeviceRule(rule);
  validateStorageOptions(client.StorageOpt ?? {});
  requireNoDeviceDriver(client.DeviceRequests ?? []);
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

function validatePortBindings(bindings: PortMap): void {
  for (const [key, wanted] of Object.entries(bindings)) {
    const [containerPort = ''] = key.split('/');
    if (!isPort(containerPort)) throw invalidParameter(`invalid port specification: "${containerPort}"`);
    for (const { HostPort: text } of wanted ?? []) {
      const [first = '', last = first] = text.split('-');
      const isRange = text === '' || (/^\d+(-\d+)?$/.test(text) && Number(first) <= Number(last));
      if (!isRange || !isPort(last)) throw invalidParameter(`invalid port specification: "${text}"`);
    }
  }
}

/** No port at all is one too: any. */
function isPort(text: string): boolean {
  return text === '' || (/^\d+$/.test(text) && Number(text) <= LAST_PORT);
}

function validateTmpfsPath(path: string): void {
  if (!isAbsolute(path)) throw invalidParameter(`invalid mount path: '${path}' mount path must be absolute`);
  if (posix.normalize(path) === '/') throw invalidParameter("invalid specification: destination can't be '/'");
}

function validateExtraHost(entry: string): void {
  const separator = entry.indexOf(':');
  if (separator < 1) throw invalidParameter(`bad format for add-host: "${entry}"`);
  const address = entry.slice(separator + 1);
  if (address === 'host-gateway' || isIP(address) !== 0) return;
  throw invalidParameter(`invalid IP address in add-host: "${address}"`);
}

function validateDeviceRule(rule: string): void {
  if (/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(rule)) return;
  throw invalidParameter(`invalid device cgroup rule format: '${rule}'`);
}

/** overlay2 limits a container's size by project quotas of xfs, which Gantry does not set. */
function validateStorageOptions(options: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(options)) {
    throw systemError(
      name.toLowerCase() === 'size'
        ? "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
        : `Unknown option ${name}`,
    );
  }
}

/** There are no device drivers; dockerd finds out at the start only. */
function requireNoDeviceDriver([request]: readonly DeviceRequest[]): void {
  if (request === undefined) return;
  const capabilities = (request.Capabilities ?? []).map((names) => `[${names.join(' ')}]`).join(' ');
  throw systemError(`could not select device driver "${request.Driver}" with capabilities: [${capabilities}]`);
}
