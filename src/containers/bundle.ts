import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { announceStep, conflict, prefixed, systemError } from '../base/index.ts';
import type { Sandbox } from '../networks/index.ts';
import {
  buildEnvironment,
  buildSpec,
  type NamespaceChoice,
  type OciMount,
  type ResolvedUser,
  type SpecRequest,
} from '../runtime/index.ts';
import type { Container, ContainerRecord } from './container.ts';
import type { ContainerContext } from './context.ts';
import { ociMounts } from './mounts.ts';
import { bundleDirectory, cgroupPath } from './process.ts';
import { parseSecurity } from './security.ts';
import { type ContainerFiles, containerFiles } from './state-files.ts';
import { resolveUser } from './users.ts';

/** Where `--init` puts its program, as dockerd does. */
const INIT_PATH = '/sbin/docker-init';

/** Writes the OCI bundle of a container whose root is mounted at `root`. */
export async function writeBundle(
  context: ContainerContext,
  container: Container,
  root: string,
  sandbox: Sandbox | undefined,
): Promise<void> {
  const directory = bundleDirectory(context, container.id);
  announceStep('make', directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const spec = buildSpec(specRequest(context, container, root, sandbox));
  await writeFile(join(directory, 'config.json'), JSON.stringify(spec), { mode: 0o600 });
}

/** The program for `--init`; dockerd's words where the host has none. */
function requireInit({ initProgram }: ContainerContext): string {
  if (initProgram !== undefined) return initProgram;
  throw systemError('exec: "docker-init": executable file not found in $PATH');
}

function specRequest(
  context: ContainerContext,
  container: Container,
  root: string,
  sandbox: Sandbox | undefined,
): SpecRequest {
  const { record } = container;
  const { config, hostConfig } = record;
  const init = hostConfig.Init === true ? requireInit(context) : undefined;
  const command = [record.path, ...record.arguments];
  return {
    process: {
      arguments: init === undefined ? command : [INIT_PATH, '--', ...command],
      environment: buildEnvironment({
        hostname: config.Hostname,
        terminal: config.Tty,
        configured: config.Env ?? [],
      }),
      workingDirectory: config.WorkingDir,
      user: userAtStart(root, record),
      terminal: config.Tty,
      consoleSize: hostConfig.ConsoleSize,
      privileged: hostConfig.Privileged,
    },
    security: parseSecurity(hostConfig),
    hostConfig,
    rootPath: root,
    hostname: config.Hostname,
    domainname: config.Domainname,
    namespaces: namespaces(context, container, sandbox),
    mounts: mounts(context, container, init),
    cgroupPath: cgroupPath(context, container),
    host: context.host,
  };
}

/** dockerd counts an unknown user as its own failure here, unlike at the making of an exec. */
function userAtStart(root: string, { config, hostConfig }: ContainerRecord): ResolvedUser {
  try {
    return resolveUser(root, config.User, hostConfig.GroupAdd ?? []);
  } catch (error) {
    throw prefixed(error, '', 'system');
  }
}

function mounts(context: ContainerContext, container: Container, init: string | undefined): OciMount[] {
  const { record } = container;
  const owner = networkOwner(context, container);
  const files = containerFiles(context.directories.containers, owner.id);
  const own = ociMounts(record.mounts, record.hostConfig);
  const taken = new Set(own.map((mount) => mount.destination));
  const system = [...networkFileMounts(files), ...sharedMemoryMounts(context, container), ...initMounts(init)];
  return [...own, ...system.filter((mount) => !taken.has(mount.destination))];
}

function networkFileMounts(files: ContainerFiles): OciMount[] {
  const bind = (destination: string, source: string) => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate'],
  });
  return [
    bind('/etc/resolv.conf', files.resolvConf),
    bind('/etc/hostname', files.hostname),
    bind('/etc/hosts', files.hosts),
  ];
}

function initMounts(init: string | undefined): OciMount[] {
  return init === undefined
    ? []
    : [{ destination: INIT_PATH, type: 'bind', source: init, options: ['bind', 'ro', 'rprivate'] }];
}

/** A /dev/shm that outlives the container's namespaces: its own if others may join it, or the one it joins. */
function sharedMemoryMounts(context: ContainerContext, container: Container): OciMount[] {
  const mode = container.record.hostConfig.IpcMode;
  const owner = mode === 'shareable' ? container : otherContainer(context, mode);
  if (owner === undefined) return [];
  const { sharedMemory } = containerFiles(context.directories.containers, owner.id);
  return [{ destination: '/dev/shm', type: 'bind', source: sharedMemory, options: ['rbind', 'rprivate'] }];
}

function namespaces(
  context: ContainerContext,
  container: Container,
  sandbox: Sandbox | undefined,
): SpecRequest['namespaces'] {
  const { hostConfig } = container.record;
  const other = (mode: string, kind: string): NamespaceChoice => {
    if (mode === 'host') return 'host';
    const owner = otherContainer(context, mode);
    if (owner === undefined) return 'new';
    if (owner.phase.name !== 'running') {
      throw conflict(`cannot join ${kind} namespace of a non running container: ${owner.id}`);
    }
    return { path: `/proc/${owner.phase.pid}/ns/${kind}` };
  };
  return {
    network: networkNamespace(context, container, sandbox),
    pid: other(hostConfig.PidMode, 'pid'),
    ipc: other(hostConfig.IpcMode, 'ipc'),
    uts: other(hostConfig.UTSMode, 'uts'),
    cgroup: hostConfig.CgroupnsMode === 'private' ? 'new' : 'host',
  };
}

function networkNamespace(
  context: ContainerContext,
  container: Container,
  sandbox: Sandbox | undefined,
): NamespaceChoice {
  if (sandbox) return sandbox.path === undefined ? 'host' : { path: sandbox.path };
  const owner = joinedOwner(context, container);
  if (owner.phase.name !== 'running') {
    throw conflict(`cannot join network of a non running container: ${owner.id}`);
  }
  return { path: `/proc/${owner.phase.pid}/ns/net` };
}

function joinedOwner(context: ContainerContext, container: Container): Container {
  try {
    return networkOwner(context, container);
  } catch (error) {
    throw prefixed(error, 'joining network namespace of container: ', 'system');
  }
}

/** The container whose network this one uses: itself, or the one its mode names. */
export function networkOwner(context: ContainerContext, container: Container): Container {
  return otherContainer(context, container.record.hostConfig.NetworkMode) ?? container;
}

function otherContainer(context: ContainerContext, mode: string): Container | undefined {
  return mode.startsWith('container:') ? context.store.get(mode.slice('container:'.length)) : undefined;
}
