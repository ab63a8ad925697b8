export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

/** How many bytes {@link detectCompression} needs to see. */
export const MAGIC_SIZE = 6;

const MAGICS: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

// A zstd file may begin with a skippable frame: 0x184D2A50 to 0x184D2A5F (RFC 8878, 3.1.2).
const SKIPPABLE_FRAME = [0x2a, 0x4d, 0x18];

/** How data that starts with these bytes is compressed. */
export function detectCompression(start: Uint8Array): Compression {
  if (((start[0] ?? 0) & 0xf0) === 0x50 && SKIPPABLE_FRAME.every((byte, index) => start[index + 1] === byte)) {
    return 'zstd';
  }
  return MAGICS.find(([, magic]) => magic.every((byte, index) => start[index] === byte))?.[0] ?? 'none';
}
