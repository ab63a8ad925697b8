/**
 * The one table of the engine's options. Flags, daemon.json keys, defaults, help text and docs/configuration.md all come
 * from it.
 */

/** What a value may be: `list` is a repeatable flag and a JSON list, `structure` exists in daemon.json only. */
export type OptionKind = 'text' | 'number' | 'boolean' | 'list' | 'pairs' | 'structure';

export interface OptionRow {
  readonly kind: OptionKind;
  /** daemon.json's key, and the long flag unless `flag` says otherwise. */
  readonly key: string;
  /** The long flag where it differs from the key (lists: dockerd's flags are singular). */
  readonly flag?: string;
  readonly short?: string;
  readonly default: unknown;
  readonly help: string;
}

export const OPTIONS = {
  dataRoot: { kind: 'text', key: 'data-root', default: '/var/lib/gantry', help: 'Directory of persistent state' },
  runDirectory: {
    kind: 'text',
    key: 'exec-root',
    flag: 'run-dir',
    default: '/run/gantry',
    help: 'Directory of state that a reboot may lose',
  },
  hosts: {
    kind: 'list',
    key: 'hosts',
    flag: 'host',
    short: 'H',
    default: ['unix:///run/gantry/gantry.sock'],
    help: 'Where to listen: unix://PATH or tcp://ADDRESS:PORT; repeatable',
  },
  group: { kind: 'text', key: 'group', short: 'G', default: 'docker', help: 'Group of the unix socket' },
  pidFile: { kind: 'text', key: 'pidfile', short: 'p', default: '/run/gantry/gantryd.pid', help: 'File for the pid' },
  debug: { kind: 'boolean', key: 'debug', short: 'D', default: false, help: 'Log at debug level' },
  logLevel: {
    kind: 'text',
    key: 'log-level',
    short: 'l',
    default: 'info',
    help: 'Log level: debug, info, warn, error or fatal',
  },
  bridge: { kind: 'text', key: 'bridge', short: 'b', default: 'gantry0', help: 'Name of the default bridge' },
  bridgeAddress: {
    kind: 'text',
    key: 'bip',
    default: '',
    help: 'Address of the default bridge with its prefix length, such as 172.17.0.1/16',
  },
  addressPools: {
    kind: 'structure',
    key: 'default-address-pools',
    default: [],
    help: 'Pools that networks take their subnets from: [{"base": "10.0.0.0/8", "size": 24}]',
  },
  mtu: { kind: 'number', key: 'mtu', default: 1500, help: 'MTU of the default bridge' },
  dns: { kind: 'list', key: 'dns', default: [], help: 'DNS servers of containers; repeatable' },
  dnsOptions: { kind: 'list', key: 'dns-opts', flag: 'dns-opt', default: [], help: 'DNS options; repeatable' },
  dnsSearch: { kind: 'list', key: 'dns-search', default: [], help: 'DNS search domains; repeatable' },
  defaultRuntime: {
    kind: 'text',
    key: 'default-runtime',
    default: '',
    help: 'OCI runtime of containers that name none (crun where it works, else runc)',
  },
  runtimes: {
    kind: 'structure',
    key: 'runtimes',
    default: {},
    help: 'Further OCI runtimes: {"name": {"path": "…", "runtimeArgs": []}}',
  },
  cgroupParent: { kind: 'text', key: 'cgroup-parent', default: '/gantry', help: 'cgroup that containers live under' },
  logDriver: { kind: 'text', key: 'log-driver', default: 'json-file', help: 'Log driver of containers that name none' },
  logOptions: {
    kind: 'pairs',
    key: 'log-opts',
    flag: 'log-opt',
    default: {},
    help: 'Log options: name=value; repeatable',
  },
  initProgram: { kind: 'text', key: 'init-path', default: '', help: 'Program that --init makes process 1' },
  insecureRegistries: {
    kind: 'list',
    key: 'insecure-registries',
    flag: 'insecure-registry',
    default: [],
    help: 'Registries reached without TLS, by host or network; repeatable',
  },
  concurrentDownloads: {
    kind: 'number',
    key: 'max-concurrent-downloads',
    default: 3,
    help: 'Layers of one pull that are fetched at a time',
  },
  labels: {
    kind: 'list',
    key: 'labels',
    flag: 'label',
    default: [],
    help: 'Labels of the engine: name=value; repeatable',
  },
  storageDriver: { kind: 'text', key: 'storage-driver', short: 's', default: 'overlay2', help: 'Only overlay2 exists' },
  liveRestore: {
    kind: 'boolean',
    key: 'live-restore',
    default: true,
    help: 'Accepted for daemon.json files of Docker: containers always outlive the engine',
  },
} as const satisfies Record<string, OptionRow>;

/** The engine's settings, one field per row of {@link OPTIONS}. */
export interface Configuration {
  dataRoot: string;
  runDirectory: string;
  hosts: string[];
  group: string;
  pidFile: string;
  debug: boolean;
  logLevel: string;
  bridge: string;
  bridgeAddress: string;
  addressPools: { base: string; size: number }[];
  mtu: number;
  dns: string[];
  dnsOptions: string[];
  dnsSearch: string[];
  defaultRuntime: string;
  runtimes: Record<string, { path: string; runtimeArgs?: string[] }>;
  cgroupParent: string;
  logDriver: string;
  logOptions: Record<string, string>;
  initProgram: string;
  insecureRegistries: string[];
  concurrentDownloads: number;
  labels: string[];
  storageDriver: string;
  liveRestore: boolean;
}
