import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isKind } from '../../base/index.ts';
import { testArchive } from '../tar.fixture.ts';
import { readArchive } from './read-archive.ts';

describe('reading an archive', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-archive-test-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const write = (content: Uint8Array) => {
    const path = join(folder, 'archive');
    writeFileSync(path, content);
    return path;
  };
  const archive = testArchive([
    { name: 'blobs/', flag: '5' },
    { name: 'blobs/large', data: 'x'.repeat(700_000) },
    { name: 'manifest.json', data: '[]' },
    { name: 'link', flag: '2', linkName: 'manifest.json' },
  ]);

  for (const [name, compress] of [
    ['plain', (data: Buffer) => data],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    it(`gives the entries of a ${name} archive, whether their content is read or not`, async () => {
      const path = write(compress(archive));
      for (const wanted of [['manifest.json'], ['blobs/large', 'manifest.json']]) {
        const seen: string[] = [];
        for await (const entry of readArchive(path, folder)) {
          seen.push(entry.name);
          if (!wanted.includes(entry.name)) continue;
          const content = await buffer(entry.body);
          assert.equal(content.length, entry.size);
          if (entry.offset !== undefined) {
            assert.ok(archive.subarray(entry.offset, entry.offset + entry.size).equals(content));
          }
        }
        assert.deepEqual(seen, ['blobs/', 'blobs/large', 'manifest.json', 'link']);
      }
    });

    it(`notices that a ${name} archive is cut off`, async () => {
      const whole = compress(archive);
      const path = write(whole.subarray(0, whole.length * 0.6));
      const read = async () => {
        for await (const entry of readArchive(path, folder)) assert.ok(entry.name);
      };
      await assert.rejects(read(), (error) => isKind(error, 'invalidParameter'));
    });
  }
});
