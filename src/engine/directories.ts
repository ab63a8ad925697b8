import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, newId, unavailable } from '../base/index.ts';
import { acquireLock } from '../linux/index.ts';
import type { Configuration } from './options.ts';

const PRIVATE_MODE = 0o700;

/** Mode of the data root and of the folder of containers: others pass through to what is theirs, but cannot list. */
const DATA_MODE = 0o710;

/** Makes the engine's own folders and takes the locks of both roots. */
export function prepareDirectories(configuration: Configuration): void {
  const { dataRoot, runDirectory, pidFile } = configuration;
  // What the engine makes is as private as its mode says, whatever the shell's umask was.
  process.umask(0o022);
  mkdirSync(dataRoot, { recursive: true, mode: DATA_MODE });
  mkdirSync(runDirectory, { recursive: true, mode: 0o711 });
  for (const root of [dataRoot, runDirectory]) {
    if (!acquireLock(join(root, 'gantryd.lock'))) throw unavailable(`another engine uses ${root}`);
  }
  mkdirSync(join(dataRoot, 'containers'), { recursive: true, mode: DATA_MODE });
  for (const name of ['shims', 'bundles', 'runtime', 'netns']) {
    mkdirSync(join(runDirectory, name), { recursive: true, mode: PRIVATE_MODE });
  }
  mkdirSync(dirname(pidFile), { recursive: true });
  writeFileSync(pidFile, `${process.pid}\n`);
}

/** The id of this data root's engine, as dockerd keeps it in `engine-id`. */
export function engineId(root: string): string {
  const file = join(root, 'engine-id');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const id = newId();
    writeFileSync(file, id);
    return id;
  }
}
