import { mkdir, rm, stat } from 'node:fs/promises';
import { announceStep, invalidParameter, newId, shortId, systemError, writeFileAtomic } from '../base/index.ts';
import type { ContainerConfig, EndpointSettings, HostConfig } from '../contract/docker/index.ts';
import type { ChainId } from '../layers/index.ts';
import { announce } from './announce.ts';
import { Container, type ContainerMount, type ContainerRecord, NEVER_RUN } from './container.ts';
import type { ContainerContext } from './context.ts';
import { fillVolumes } from './fill-volumes.ts';
import { completeHostConfig } from './host-config.ts';
import { checkImage } from './image-platform.ts';
import { commandOf, mergeImageConfig } from './merge-config.ts';
import { isMode } from './mount-specs.ts';
import { planMounts } from './mounts.ts';
import { generateName } from './names.ts';
import { planNetworks } from './network-plan.ts';
import { parseSecurity } from './security.ts';
import { containerFiles, writeContainer } from './state-files.ts';
import { requireValidName } from './store.ts';
import { checkConfig } from './validate-config.ts';

/** dockerd's warning to clients that set the MAC address of the container and not that of an endpoint. */
const OLD_MAC_ADDRESS =
  'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.';

/** Mode of a container's folder: as dockerd makes it, so that only root and its group pass. */
const CONTAINER_FOLDER_MODE = 0o710;

export interface CreateRequest {
  /** Empty: one is made up. */
  readonly name: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
  /** `linux/arm64`: refuse an image for another platform. Empty: take the image as it is. */
  readonly platform: string;
}

/**
 * Makes a container: everything is checked first, and what was made is undone if a later step fails.
 * Throws notFound (`No such image: …`), conflict (name taken), invalidParameter, and a system error where dockerd does.
 */
export async function createContainer(
  context: ContainerContext,
  request: CreateRequest,
): Promise<{ id: string; warnings: string[] }> {
  if (request.name !== '') requireValidName(request.name);
  // Without an image there is no command but the client's.
  if (request.config.Image === '') commandOf(request.config);
  const image = context.images.resolve(request.config.Image);
  checkImage(image, request.config.Image, request.platform);
  const config = checkConfig(mergeImageConfig(request.config, image.config));
  const { hostConfig, warnings } = completeHostConfig(
    request.config,
    { ...request.hostConfig, LogConfig: logConfig(context, request.hostConfig) },
    context.limits,
    (name) => context.store.find(name),
  );
  const command = commandOf(config);
  parseSecurity(hostConfig);
  validateLinks(context, hostConfig);
  const id = newId();
  const mounts = planMounts(config, hostConfig, inheritedMounts(context, hostConfig));
  const networks = planNetworks(config, hostConfig, request.endpoints, context.networks);
  const record: ContainerRecord = {
    id,
    name: request.name.replace(/^\//, '') || generateName((name) => context.store.isNameFree(name)),
    created: context.clock.timestamp(),
    path: command.path,
    arguments: command.arguments,
    config: {
      ...withoutUnusedMacAddress(config, networks.macAddresses),
      Hostname: hostname(config, hostConfig, id, context),
    },
    hostConfig,
    imageId: image.id,
    platform: { architecture: image.architecture, os: image.os },
    mounts,
    networks: networks.endpoints,
    macAddresses: networks.macAddresses,
    sandbox: undefined,
    phase: { name: 'created' },
    lastRun: NEVER_RUN,
    restartCount: 0,
    startedBefore: false,
    manuallyStopped: false,
  };
  await make(context, record, image.chainId);
  return { id, warnings: [...warnings, ...(config.MacAddress ? [OLD_MAC_ADDRESS] : [])] };
}

async function make(context: ContainerContext, plan: ContainerRecord, image: ChainId | undefined): Promise<void> {
  const { id } = plan;
  const files = containerFiles(context.directories.containers, id);
  await using undo = new AsyncDisposableStack();
  context.store.reserveName(plan.name, id);
  undo.defer(() => context.store.releaseName(plan.name, id));
  announceStep('make', files.directory);
  await mkdir(files.directory, { mode: CONTAINER_FOLDER_MODE });
  undo.defer(() => rm(files.directory, { recursive: true, force: true }));
  const anonymous = plan.mounts.filter((mount) => mount.anonymous).map((mount) => mount.name);
  if (anonymous.length > 0) await writeFileAtomic(files.doomedVolumes, JSON.stringify(anonymous));
  await context.layers.createRwLayer(id, image);
  undo.defer(() => context.layers.removeRwLayer(id));
  const record = { ...plan, mounts: await makeVolumes(context, plan.mounts, undo) };
  await fillVolumes(context, record);
  await requireBindSources(record.mounts);
  await writeContainer(context.directories.containers, record);
  const container = new Container(record);
  context.store.add(container);
  undo.move();
  if (anonymous.length > 0) await rm(files.doomedVolumes, { force: true });
  announce(context, container, 'create');
}

/** Makes the volumes that do not exist yet; returns the mounts with their places on the host. */
async function makeVolumes(
  context: ContainerContext,
  mounts: readonly ContainerMount[],
  undo: AsyncDisposableStack,
): Promise<ContainerMount[]> {
  const made: ContainerMount[] = [];
  for (const mount of mounts) {
    if (mount.type !== 'volume') {
      made.push(mount);
      continue;
    }
    const existed = context.volumes.has(mount.name);
    const volume = await context.volumes.create({
      name: mount.name,
      driver: mount.driver,
      options: mount.spec.VolumeOptions?.DriverConfig?.Options ?? {},
      labels: {
        ...mount.spec.VolumeOptions?.Labels,
        // dockerd's mark of volumes that nobody named.
        ...(mount.anonymous && { 'com.docker.volume.anonymous': '' }),
      },
    });
    if (!existed && mount.anonymous) {
      undo.defer(() => context.volumes.remove(mount.name, { force: true, users: [] }));
    }
    made.push({ ...mount, source: volume.Mountpoint });
  }
  return made;
}

/** A missing source of `--mount type=bind` is an error, one of `-v` is made at the start. */
async function requireBindSources(mounts: readonly ContainerMount[]): Promise<void> {
  for (const mount of mounts) {
    if (!mount.sourceMustExist) continue;
    const found = await stat(mount.source).catch(() => undefined);
    if (found) continue;
    throw invalidParameter(`invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
  }
}

function inheritedMounts(context: ContainerContext, hostConfig: HostConfig): ContainerMount[] {
  return (hostConfig.VolumesFrom ?? []).flatMap((text) => {
    if (text === '') throw invalidParameter('volumes-from specification cannot be an empty string');
    const [from = '', ...rest] = text.split(':');
    const mode = rest.join(':');
    if (!isMode(mode)) throw invalidParameter(`invalid mode: ${mode}`);
    const source = context.store.find(from);
    if (source === undefined) throw invalidParameter(`No such container: ${from}`);
    return source.record.mounts.map((mount) => ({
      ...mount,
      writable: mount.writable && !mode.split(',').includes('ro'),
      anonymous: false,
    }));
  });
}

function hostname(config: ContainerConfig, hostConfig: HostConfig, id: string, context: ContainerContext): string {
  if (config.Hostname !== '') return config.Hostname;
  if (hostConfig.NetworkMode === 'host') return context.host.hostname;
  if (hostConfig.NetworkMode.startsWith('container:')) {
    // Whether that container exists is asked at the start.
    const owner = context.store.find(hostConfig.NetworkMode.slice('container:'.length));
    return owner?.record.config.Hostname ?? shortId(id);
  }
  return shortId(id);
}

/** Throws for `--link` to a container that is not there; the link itself is made at the start. */
function validateLinks(context: ContainerContext, hostConfig: HostConfig): void {
  for (const link of hostConfig.Links ?? []) {
    if (link === '') throw systemError('empty string specified for links');
    const [name = '', ...alias] = link.split(':');
    if (alias.length > 1) throw systemError(`bad format for links: ${link}`);
    if (context.store.find(name)) continue;
    throw invalidParameter(`could not get container for ${name}: No such container: ${name}`);
  }
}

/** Without a network of its own a container has no MAC address either. */
function withoutUnusedMacAddress(config: ContainerConfig, chosen: Readonly<Record<string, string>>): ContainerConfig {
  if (config.MacAddress === undefined || Object.values(chosen).includes(config.MacAddress)) return config;
  const { MacAddress: _, ...rest } = config;
  return rest;
}

function logConfig(context: ContainerContext, hostConfig: HostConfig): HostConfig['LogConfig'] {
  const { Type: given, Config: options } = hostConfig.LogConfig;
  const driver = given || context.defaultLogDriver;
  // The default options are the default driver's.
  const defaults = driver === context.defaultLogDriver ? context.defaultLogOptions : {};
  return { Type: driver, Config: { ...defaults, ...options } };
}
