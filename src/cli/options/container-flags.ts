/** The flags that `run` and `create` share: everything that describes a container. */

import { parseDnsServer, parseExtraHost, parseLink, parseSearchDomain } from './addresses.ts';
import { checkLabel, parseVariable } from './environment.ts';
import { custom, type Flags, list, pairs, repeated, text, toggle, type Values } from './flag.ts';
import { parseMount } from './mounts.ts';
import { parseNetwork } from './networks.ts';
import { bytes, duration, integer, parseCpus, unsigned } from './numbers.ts';
import {
  checkSysctl,
  parseGpus,
  parseRateInBytes,
  parseRateInOperations,
  parseUlimit,
  parseWeightDevice,
} from './resources.ts';

const PULL_POLICIES = ['always', 'missing', 'never', ''];

/** `--attach`: a stream's name, in any case. */
function parseStreamName(given: string): string {
  const name = given.toLowerCase();
  if (!['stdin', 'stdout', 'stderr'].includes(name)) throw new Error('valid streams are STDIN, STDOUT and STDERR');
  return name;
}

const processFlags = {
  attach: list('Attach to STDIN, STDOUT or STDERR', { shorthand: 'a', check: parseStreamName }),
  entrypoint: text("Replace the image's entrypoint"),
  env: list('Set an environment variable', { shorthand: 'e', check: parseVariable }),
  'env-file': list('Read environment variables from a file'),
  init: toggle('Run an init process that forwards signals and reaps processes'),
  interactive: toggle('Keep standard input open', { shorthand: 'i' }),
  'stop-signal': text('Signal that stops the container'),
  'stop-timeout': integer('Seconds to wait before killing a container that does not stop'),
  tty: toggle('Allocate a pseudo-terminal', { shorthand: 't' }),
  user: text('User to run as (name or uid, optionally with :group)', { shorthand: 'u' }),
  workdir: text('Directory to start in', { shorthand: 'w' }),
} satisfies Flags;

const identityFlags = {
  annotation: pairs('Add an annotation, passed on to the OCI runtime'),
  cidfile: text('Write the container ID to a file'),
  domainname: text('NIS domain name'),
  hostname: text('Host name', { shorthand: 'h' }),
  label: list('Set a label', { shorthand: 'l', check: checkLabel }),
  'label-file': list('Read labels from a file'),
  name: text('Name of the container'),
  platform: text('Platform of the image (os[/arch[/variant]])'),
  pull: text('When to pull the image ("always", "missing", "never")', { initial: 'missing' }),
  quiet: toggle('Do not show the progress of a pull', { shorthand: 'q' }),
  restart: text('What to do when the container exits', { initial: 'no' }),
  rm: toggle('Remove the container and its anonymous volumes when it exits'),
  runtime: text('OCI runtime to use'),
  'disable-content-trust': toggle('Accepted for compatibility', { initial: true }),
} satisfies Flags;

const storageFlags = {
  mount: repeated('Mount a bind, volume, tmpfs or image (type=…,source=…,target=…)', parseMount, { kind: 'mount' }),
  'read-only': toggle('Make the root file system read-only'),
  'shm-size': bytes('Size of /dev/shm'),
  'storage-opt': list('Option of the storage driver'),
  tmpfs: list('Mount a tmpfs (path[:options])'),
  volume: list('Mount a directory or volume (source:target[:options])', { shorthand: 'v' }),
  'volume-driver': text('Driver of the volumes'),
  'volumes-from': list('Mount the volumes of another container'),
} satisfies Flags;

const networkFlags = {
  'add-host': list('Add a host name to /etc/hosts (name:ip)', { check: parseExtraHost }),
  dns: list('DNS server', { check: parseDnsServer }),
  'dns-opt': list('DNS resolver option', { hidden: true }),
  'dns-option': list('DNS resolver option'),
  'dns-search': list('DNS search domain', { check: parseSearchDomain }),
  expose: list('Expose a port or a range of ports'),
  ip: text('IPv4 address on the first network'),
  ip6: text('IPv6 address on the first network'),
  link: list('Link to another container', { check: parseLink }),
  'link-local-ip': list('Link-local address on the first network'),
  'mac-address': text('MAC address on the first network'),
  net: repeated('Connect to a network', parseNetwork, { kind: 'network', hidden: true }),
  'net-alias': list('Another name on the first network', { hidden: true }),
  network: repeated('Connect to a network', parseNetwork, { kind: 'network' }),
  'network-alias': list('Another name on the first network'),
  publish: list('Publish a port (host:container[/protocol])', { shorthand: 'p' }),
  'publish-all': toggle('Publish all exposed ports on free ports of the host', { shorthand: 'P' }),
} satisfies Flags;

const isolationFlags = {
  'cap-add': list('Add a Linux capability'),
  'cap-drop': list('Drop a Linux capability'),
  'cgroup-parent': text('Parent cgroup'),
  cgroupns: text("Cgroup namespace ('host', 'private'; default: as the engine is configured)"),
  'group-add': list('Additional group'),
  ipc: text('IPC namespace'),
  isolation: text('Isolation technology'),
  pid: text('PID namespace'),
  privileged: toggle('Give the container all privileges'),
  'security-opt': list('Security option'),
  sysctl: pairsChecked('Kernel parameter of the container'),
  userns: text('User namespace'),
  uts: text('UTS namespace'),
} satisfies Flags;

const limitFlags = {
  'blkio-weight': unsigned('Relative weight of block IO (10 to 1000, 0 for none)', 'uint16', 16, { defaultText: '0' }),
  'blkio-weight-device': repeated('Relative weight of block IO of a device', parseWeightDevice, { defaultText: '[]' }),
  'cpu-count': integer('Number of CPUs (Windows)', { hidden: true }),
  'cpu-percent': integer('Percent of CPU (Windows)', { hidden: true }),
  'cpu-period': integer('Period of the CPU scheduler in microseconds'),
  'cpu-quota': integer('CPU time per period in microseconds'),
  'cpu-rt-period': integer('Period of the real-time scheduler in microseconds'),
  'cpu-rt-runtime': integer('Real-time CPU time per period in microseconds'),
  'cpu-shares': integer('Relative weight of CPU time', { shorthand: 'c' }),
  cpus: custom('Number of CPUs', 'decimal', parseCpus),
  'cpuset-cpus': text('CPUs to run on (0-3, 0,1)'),
  'cpuset-mems': text('Memory nodes to use (0-3, 0,1)'),
  device: list('Give the container a device of the host'),
  'device-cgroup-rule': list('Add a rule to the list of allowed devices'),
  'device-read-bps': repeated('Limit bytes read per second from a device', parseRateInBytes, { defaultText: '[]' }),
  'device-read-iops': repeated('Limit reads per second from a device', parseRateInOperations, { defaultText: '[]' }),
  'device-write-bps': repeated('Limit bytes written per second to a device', parseRateInBytes, { defaultText: '[]' }),
  'device-write-iops': repeated('Limit writes per second to a device', parseRateInOperations, { defaultText: '[]' }),
  gpus: repeated("GPUs ('all', a number, or driver=…,device=…)", parseGpus, { kind: 'gpu-request' }),
  'kernel-memory': bytes('Kernel memory limit', { hidden: true }),
  memory: bytes('Memory limit', { shorthand: 'm' }),
  'memory-reservation': bytes('Soft memory limit'),
  'memory-swap': bytes("Limit of memory and swap together ('-1' for no limit)", { allowMinusOne: true }),
  'memory-swappiness': integer('Readiness to swap (0 to 100)', { initial: -1 }),
  'oom-kill-disable': toggle('Do not kill processes when memory is exhausted'),
  'oom-score-adj': integer('Preference of the OOM killer (-1000 to 1000)'),
  'pids-limit': integer('Limit of processes (-1 for no limit)'),
  ulimit: repeated('Resource limit (name=soft[:hard])', parseUlimit, { kind: 'ulimit', defaultText: '[]' }),
} satisfies Flags;

const outputFlags = {
  'health-cmd': text('Command that checks health'),
  'health-interval': duration('Time between checks'),
  'health-retries': integer('Failures in a row that mean unhealthy'),
  'health-start-interval': duration('Time between checks while starting'),
  'health-start-period': duration('Time to start in, during which failures do not count'),
  'health-timeout': duration('Time a check may take'),
  'log-driver': text('Logging driver'),
  'log-opt': list('Option of the logging driver'),
  'no-healthcheck': toggle("Ignore the image's health check"),
} satisfies Flags;

/** All of them. */
export const CONTAINER_FLAGS = {
  ...processFlags,
  ...identityFlags,
  ...storageFlags,
  ...networkFlags,
  ...isolationFlags,
  ...limitFlags,
  ...outputFlags,
} satisfies Flags;

/** The values of {@link CONTAINER_FLAGS}. */
export type ContainerFlagValues = Values<typeof CONTAINER_FLAGS>;

/** Refuses a `--pull` that docker does not know. */
export function checkPullPolicy(policy: string): void {
  if (PULL_POLICIES.includes(policy)) return;
  throw new Error(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
}

function pairsChecked(usage: string) {
  const flag = pairs(usage);
  return {
    ...flag,
    parse(given: string, previous: Record<string, string>) {
      checkSysctl(given);
      return flag.parse(given, previous);
    },
  };
}
