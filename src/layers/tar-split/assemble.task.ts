import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf, systemError } from '../../base/index.ts';
import type { ConfinedTask } from '../../linux/index.ts';
import { type ByteString, displayName, filePath, pathInRoot } from '../archive/byte-string.ts';
import { Crc64 } from './crc64.ts';

/** A run of an archive's bytes: given, or to be read from an unpacked file. */
export type Piece = Uint8Array | FilePiece;

export interface FilePiece {
  readonly name: ByteString;
  readonly offset: number;
  readonly size: number;
  /** The state of the sum over the pieces before this one, if this is not the file's first. */
  readonly state?: readonly [number, number];
  /** The sum of the whole file, given with its last piece. */
  readonly sum?: Uint8Array;
}

export interface Assembled {
  readonly data: ArrayBuffer;
  /** Of the last file piece. */
  readonly state?: readonly [number, number];
}

/** Reads pieces of files below the root and puts them in order. Checks the sums of the files that end in them. */
export const assembleTask: ConfinedTask<readonly Piece[], Assembled> = {
  name: 'layers.assemble',
  duration: 'long',
  run(pieces) {
    const total = pieces.reduce((sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : piece.size), 0);
    const data = new ArrayBuffer(total);
    let position = 0;
    let state: readonly [number, number] | undefined;
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) {
        new Uint8Array(data).set(piece, position);
        position += piece.length;
      } else {
        const target = new Uint8Array(data, position, piece.size);
        readPiece(piece, target);
        state = checkPiece(piece, target);
        position += piece.size;
      }
    }
    return state === undefined ? { data } : { data, state };
  },
  transfer: ({ data }) => [data],
};

function readPiece(piece: FilePiece, target: Uint8Array): void {
  // Without O_NONBLOCK a fifo in a file's place would hold the thread for ever.
  const descriptor = openFile(piece);
  try {
    if (!fstatSync(descriptor).isFile()) throw damaged(piece, 'not a regular file');
    for (let filled = 0; filled < target.length; ) {
      const size = readSync(descriptor, target, filled, target.length - filled, piece.offset + filled);
      if (size === 0) throw damaged(piece, 'unexpected EOF');
      filled += size;
    }
  } finally {
    closeSync(descriptor);
  }
}

function openFile(piece: FilePiece): number {
  try {
    return openSync(filePath(`/${pathInRoot(piece.name)}`), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw damaged(piece, messageOf(error));
  }
}

function checkPiece(piece: FilePiece, content: Uint8Array): readonly [number, number] {
  const crc = new Crc64(piece.state);
  crc.update(content);
  if (piece.sum !== undefined && !crc.digest().equals(piece.sum)) {
    throw damaged(piece, 'file integrity checksum failed');
  }
  return crc.state;
}

function damaged(piece: FilePiece, reason: string): Error {
  return systemError(`layer content of "${displayName(piece.name)}" cannot be read: ${reason}`);
}
