import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { announceStep, EngineError } from '../base/index.ts';
import { TEMPORARY_PREFIX } from './context.ts';

/** A path that is removed, with all below it, when disposed of. */
export interface TemporaryPath extends AsyncDisposable {
  readonly path: string;
}

/** A new path in the folder for temporary files; nothing is there yet. */
export function temporaryPath(folder: string): TemporaryPath {
  const path = join(folder, `${TEMPORARY_PREFIX}${randomBytes(8).toString('hex')}`);
  announceStep('temporary', path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Brings a request's body to a file, which is removed when disposed of. */
export async function spool(folder: string, body: Readable, signal: AbortSignal | undefined): Promise<TemporaryPath> {
  const file = temporaryPath(folder);
  try {
    const target = createWriteStream(file.path, { flags: 'wx', mode: 0o600 });
    await pipeline(body, target, signal === undefined ? {} : { signal });
    return file;
  } catch (error) {
    await file[Symbol.asyncDispose]();
    if (signal?.aborted) throw new EngineError('cancelled', 'context canceled', { cause: error });
    throw error;
  }
}

/** Makes the folder, and removes what a crash left in it. */
export async function prepareTemporaryFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const strays = (await readdir(folder)).filter((name) => name.startsWith(TEMPORARY_PREFIX));
  await Promise.all(strays.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}
