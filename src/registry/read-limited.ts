import type { Readable } from 'node:stream';

/** The body outgrew its limit. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/** The whole stream in memory; throws {@link TooLargeError}, and stops reading, beyond `limit` bytes. */
export async function readLimited(stream: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > limit) {
      stream.destroy();
      throw new TooLargeError(`more than ${limit} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
}
