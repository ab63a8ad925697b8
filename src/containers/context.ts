import type { Clock, KeyedQueue, Log } from '../base/index.ts';
import type { EventLog } from '../events/index.ts';
import type { Images } from '../images/index.ts';
import type { Layers } from '../layers/index.ts';
import type { Kernel } from '../linux/index.ts';
import type { Networks } from '../networks/index.ts';
import type { HostFacts, OciRuntime } from '../runtime/index.ts';
import type { Volumes } from '../volumes/index.ts';
import type { HostLimits } from './host-config.ts';
import type { ContainerStore } from './store.ts';

/** Where containers keep their files. */
export interface ContainerDirectories {
  /** `<data root>/containers`. */
  readonly containers: string;
  /** `<run directory>/shims`: one folder per process. */
  readonly shims: string;
  /** `<run directory>/bundles`: the OCI bundle of each running container. */
  readonly bundles: string;
}

/** Everything the verbs work with; made once, by the engine. */
export interface ContainerContext {
  readonly store: ContainerStore;
  readonly queue: KeyedQueue;
  readonly layers: Layers;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly kernel: Kernel;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly directories: ContainerDirectories;
  readonly host: HostFacts & { readonly hostname: string };
  readonly limits: HostLimits;
  /** The OCI runtime of that name (`--runtime`). */
  readonly runtimeNamed: (name: string) => OciRuntime;
  /** Path of the gantry-shim program. */
  readonly shimProgram: string;
  /** Path of the program that `--init` makes pid 1, or undefined where the host has none. */
  readonly initProgram: string | undefined;
  /** Name servers, search domains and options of containers that name none (daemon.json `dns`, `dns-search`, `dns-opts`). */
  readonly defaultDns: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
  /** Tells the kernel that a process will soon be moved into a cgroup, which it is slow to be ready for. */
  readonly expectCgroupMove: () => void;
  /** Pids of every process in a cgroup and below. */
  readonly cgroupMembers: (path: string) => readonly number[];
  readonly isCgroupFrozen: (path: string) => boolean;
  /** The folder that tells a cgroup's memory events. */
  readonly memoryCgroup: (path: string) => { readonly version: 1 | 2; readonly path: string };
  /** cgroup that containers live under unless they say otherwise (daemon.json `cgroup-parent`). */
  readonly cgroupParent: string;
  /** Log driver of containers that name none (daemon.json `log-driver`). */
  readonly defaultLogDriver: string;
  /** Log options of containers that name none (daemon.json `log-opts`). */
  readonly defaultLogOptions: Readonly<Record<string, string>>;
}
