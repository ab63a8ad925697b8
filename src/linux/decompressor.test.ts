import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { DecompressionError, openDecompressor } from './decompressor.ts';

function decompress(format: 'gzip' | 'zstd', data: Uint8Array, outputSize = 1000): Buffer {
  const decompressor = openDecompressor(format);
  try {
    const parts: Buffer[] = [];
    let rest = data;
    for (;;) {
      const output = Buffer.alloc(outputSize);
      const { consumed, produced } = decompressor.step(rest.subarray(0, 777), output);
      parts.push(output.subarray(0, produced));
      rest = rest.subarray(consumed);
      if (produced === 0 && consumed === 0) return Buffer.concat(parts);
    }
  } finally {
    decompressor.close();
  }
}

const text = Buffer.from(Array.from({ length: 20000 }, (_, index) => `line ${index * 7919}\n`).join(''));

describe('decompressor', () => {
  for (const [format, compress] of [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    it(`reads ${format} in small steps, and several streams in a row`, () => {
      const data = Buffer.concat([compress(text), compress(Buffer.from('second'))]);
      assert.equal(decompress(format, data).toString(), `${text}second`);
    });

    it(`refuses damaged ${format}`, () => {
      const data = compress(text);
      data.fill(0xff, 10);
      assert.throws(() => decompress(format, data), DecompressionError);
    });
  }
});
