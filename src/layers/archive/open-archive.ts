import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, invalidParameter, unavailable } from '../../base/index.ts';
import { type Compression, detectCompression, MAGIC_SIZE } from './compression.ts';

/** A tar archive in a file, compressed in any way that dockerd knows. */
export interface LayerArchive {
  readonly path: string;
  /** Where it begins in the file, for an archive inside an uncompressed archive. */
  readonly offset?: number;
  /** How many bytes it has; up to the file's end if undefined. */
  readonly size?: number;
}

/** An archive that can be read without further help: uncompressed, gzip or zstd. */
export interface OpenArchive extends AsyncDisposable {
  readonly file: FileHandle;
  readonly offset: number;
  readonly size?: number;
}

/** Names of what {@link openArchive} leaves in the folder for temporary files if the engine dies meanwhile. */
export const TEMPORARY_PREFIX = 'gantry-archive-';

const PROGRAMS = { xz: 'xz-utils', bzip2: 'bzip2' } as const;

/**
 * Opens an archive. bzip2 and xz are first decompressed, by the program of that name, into a temporary file that has no
 * name any more. Throws unavailable if the program is missing, `unexpected EOF` for an empty archive.
 *
 * @param temporaryFolder absolute path of an existing folder
 */
export async function openArchive(archive: LayerArchive, temporaryFolder: string): Promise<OpenArchive> {
  const file = await open(archive.path, 'r');
  try {
    const offset = archive.offset ?? 0;
    const start = Buffer.alloc(MAGIC_SIZE);
    const { bytesRead } = await file.read(start, 0, Math.min(MAGIC_SIZE, archive.size ?? MAGIC_SIZE), offset);
    const compression = detectCompression(start.subarray(0, bytesRead));
    if (compression !== 'xz' && compression !== 'bzip2') {
      return opened(file, offset, archive.size);
    }
    const decompressed = await decompress(archive, compression, temporaryFolder);
    await file.close();
    return opened(decompressed, 0, undefined);
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

function opened(file: FileHandle, offset: number, size: number | undefined): OpenArchive {
  return {
    file,
    offset,
    ...(size !== undefined && { size }),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function decompress(
  archive: LayerArchive,
  compression: Extract<Compression, 'xz' | 'bzip2'>,
  temporaryFolder: string,
): Promise<FileHandle> {
  const path = join(temporaryFolder, `${TEMPORARY_PREFIX}${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    const program = spawn(compression, ['-d', '-c'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const start = archive.offset ?? 0;
    const end = archive.size === undefined ? Number.POSITIVE_INFINITY : start + archive.size - 1;
    let complaint = '';
    program.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 1000);
    });
    const exit = once(program, 'close');
    const copies = [
      pipeline(createReadStream(archive.path, { start, end }), program.stdin),
      pipeline(program.stdout, createWriteStream(path, { fd: file.fd, autoClose: false })),
    ];
    const [[status]] = await Promise.all([exit, ...copies]).catch(async (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') {
        throw unavailable(
          `this archive is compressed with ${compression}, and there is no program "${compression}" to decompress it` +
            ` (Debian package ${PROGRAMS[compression]})`,
        );
      }
      await exit.catch(() => {});
      throw invalidParameter(complaint.trim() || `${compression}: invalid data`, { cause: error });
    });
    if (status !== 0) throw invalidParameter(complaint.trim() || `${compression}: invalid data`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
