import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const library = koffi.load('libc.so.6');

/** A C string: text is passed as UTF-8; a Buffer (which must end in a zero byte) passes any bytes. */
export type CString = string | Buffer;

/**
 * A function of libc. `definition` is its C prototype as koffi reads it; `F` must describe the same arguments. Calls
 * that can fail return -1 and leave their reason in errno: see {@link checked}.
 */
export function declare<F extends (...parameters: never[]) => unknown>(definition: string): F {
  return library.func(definition) as unknown as F;
}

/** A system call that failed. `code` is the errno's name (`ENOENT`), as Node's own errors have it. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  /** @param errno the positive number from errno(3) */
  constructor(syscall: string, errno: number, subject?: string) {
    const code = errnoName(errno);
    super(subject === undefined ? `${syscall}: ${code}` : `${syscall} ${subject}: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** The name of a positive errno: 2 is `ENOENT`. */
export function errnoName(errno: number): string {
  return getSystemErrorName(-errno);
}

/** The result of a libc call as it is; throws a {@link SystemError} if it is -1. Must directly follow the call. */
export function checked(result: number, syscall: string, subject?: string): number {
  if (result === -1) throw new SystemError(syscall, koffi.errno(), subject);
  return result;
}

/** The positive errno of the last failed libc call of this thread. */
export function lastErrno(): number {
  return koffi.errno();
}
