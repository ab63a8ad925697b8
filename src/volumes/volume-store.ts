/** Named volumes on disk, in Docker's layout: `volumes/<name>/_data`, and `opts.json` beside it if it has driver options. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  announceStep,
  type Clock,
  formatTime,
  type Log,
  messageOf,
  newId,
  readJsonFile,
  syncFolder,
  writeFileAtomic,
} from '../base/index.ts';
import type { LocalOptions } from './local-options.ts';

/** One volume, as it is on disk. */
export interface StoredVolume {
  readonly name: string;
  /** RFC 3339, whole seconds, as dockerd prints it. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>> | null;
  /** Driver options as the client gave them. */
  readonly options: Readonly<Record<string, string>> | null;
  readonly mountpoint: string;
  /** What to mount on it while it is used. */
  readonly mount: LocalOptions | undefined;
}

/** What dockerd keeps in its own database (`metadata.db`) is here, in a file of ours that dockerd ignores. */
interface VolumeRecord {
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
}

/** dockerd's `opts.json`. */
interface OptionsFile {
  readonly MountType: string;
  readonly MountOpts: string;
  readonly MountDevice: string;
  readonly Quota: { readonly Size: number };
}

const RECORD_FILE = 'gantry.json';
const OPTIONS_FILE = 'opts.json';
const DATA_FOLDER = '_data';

/** Volume names cannot begin with a dot, so these are never volumes. */
const CREATING_PREFIX = '.creating-';
const REMOVING_PREFIX = '.removing-';

// dockerd's modes: the way to the data is open to every user of a container, the list of volumes to none.
const FOLDER_MODE = 0o701;
const DATA_MODE = 0o755;

/** Makes the folder of volumes, and removes what a crash left half-made or half-removed. */
export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const names = await readdir(folder);
  const strays = names.filter((name) => name.startsWith(CREATING_PREFIX) || name.startsWith(REMOVING_PREFIX));
  await Promise.all(strays.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

/** Every volume of the folder. One that cannot be read is reported and left out. */
export async function readVolumes(folder: string, log: Log): Promise<StoredVolume[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  const volumes = await Promise.all(
    names.map((name) =>
      readVolume(folder, name).catch((error: unknown) => {
        log.error({ volume: name, error: messageOf(error) }, 'cannot read this volume');
        return undefined;
      }),
    ),
  );
  return volumes.filter((volume) => volume !== undefined);
}

async function readVolume(folder: string, name: string): Promise<StoredVolume | undefined> {
  const path = join(folder, name);
  const data = await stat(join(path, DATA_FOLDER)).catch(() => undefined);
  if (data === undefined) return undefined;
  const record = await readJsonFile<VolumeRecord>(join(path, RECORD_FILE));
  const options = await readJsonFile<OptionsFile>(join(path, OPTIONS_FILE));
  const mount =
    options === undefined || options.MountDevice === ''
      ? undefined
      : { type: options.MountType, device: options.MountDevice, o: options.MountOpts };
  return {
    name,
    createdAt: record?.createdAt ?? wholeSeconds(BigInt(Math.trunc(data.birthtimeMs)) * 1_000_000n),
    labels: record?.labels ?? null,
    options: record === undefined ? optionsOf(mount) : record.options,
    mountpoint: join(path, DATA_FOLDER),
    mount,
  };
}

/** Writes a new volume, whole or not at all. */
export async function writeVolume(
  folder: string,
  given: Pick<StoredVolume, 'name' | 'labels' | 'options' | 'mount'>,
  clock: Clock,
): Promise<StoredVolume> {
  const { name, labels, options, mount } = given;
  const record: VolumeRecord = { createdAt: wholeSeconds(clock.now()), labels, options };
  const temporary = join(folder, `${CREATING_PREFIX}${newId()}`);
  announceStep('mkdir', temporary);
  await mkdir(temporary, { mode: FOLDER_MODE });
  try {
    await mkdir(join(temporary, DATA_FOLDER), { mode: DATA_MODE });
    await writeFileAtomic(join(temporary, RECORD_FILE), JSON.stringify(record));
    if (mount !== undefined) {
      const file: OptionsFile = {
        MountType: mount.type,
        MountOpts: mount.o,
        MountDevice: mount.device,
        Quota: { Size: 0 },
      };
      await writeFileAtomic(join(temporary, OPTIONS_FILE), JSON.stringify(file));
    }
    announceStep('rename', join(folder, name));
    await rename(temporary, join(folder, name));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(folder);
  return { name, ...record, mountpoint: join(folder, name, DATA_FOLDER), mount };
}

/** Removes a volume and its data. Nothing may be mounted below it. */
export async function deleteVolume(folder: string, name: string): Promise<void> {
  const doomed = join(folder, `${REMOVING_PREFIX}${newId()}`);
  announceStep('rename', join(folder, name));
  await rename(join(folder, name), doomed);
  announceStep('remove', doomed);
  await rm(doomed, { recursive: true, force: true });
  await syncFolder(folder);
}

function optionsOf(mount: LocalOptions | undefined): Record<string, string> | null {
  if (mount === undefined) return null;
  return Object.fromEntries(Object.entries(mount).filter(([, value]) => value !== ''));
}

function wholeSeconds(nanoseconds: bigint): string {
  return formatTime(nanoseconds - (nanoseconds % 1_000_000_000n));
}
