import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './errors.ts';
import { announceStep } from './steps.ts';

const TEMPORARY_PREFIX = '.tmp-';

/**
 * Writes a state file so that a reader, or the next start after a crash at any instant, sees the old content or the new
 * one, never a part: temporary file in the same folder, fsync, rename, fsync of the folder.
 *
 * @param mode permission bits of the new file; state files are private to root unless told otherwise
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  announceStep('write', path);
  const folder = dirname(path);
  const temporary = join(folder, `${TEMPORARY_PREFIX}${basename(path)}-${randomBytes(4).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    announceStep('rename', path);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
  announceStep('written', path);
}

/** Makes renames and removals inside `folder` durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file's JSON, or undefined if there is no such file. Throws on anything else, a broken document included. */
export async function readJsonFile<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as T;
}

/** Removes what a crash in the middle of {@link writeFileAtomic} left in `folder`. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names.filter((name) => name.startsWith(TEMPORARY_PREFIX)).map((name) => rm(join(folder, name), { force: true })),
  );
}
