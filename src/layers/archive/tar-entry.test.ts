import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKind } from '../../base/index.ts';
import { testArchive } from '../tar.fixture.ts';
import { climbsOut, pathInRoot, textOf } from './byte-string.ts';
import { readEntry } from './tar-entry.ts';
import type { TarHeader } from './tar-header.ts';

/** Reads the first entry of an archive. */
function firstEntry(archive: Buffer): TarHeader | undefined {
  let position = 0;
  const parser = readEntry();
  let state = parser.next();
  while (!state.done) {
    const bytes = archive.subarray(position, position + state.value);
    position += bytes.length;
    state = parser.next(bytes);
  }
  return state.value;
}

const BINARY_NUMBER = (value: bigint) => {
  const field = Buffer.alloc(12);
  field.writeBigInt64BE(value, 4);
  field.fill(value < 0n ? 0xff : 0, 0, 4);
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
};

function assertRefused(archive: Buffer, message: RegExp): void {
  assert.throws(
    () => firstEntry(archive),
    (error) => isKind(error, 'invalidParameter') && message.test(error.message),
  );
}

describe('tar entries', () => {
  it('reads long names, owners, times and attributes from extended headers', () => {
    const name = `${'d'.repeat(300)}/${'f'.repeat(250)}`;
    const header = firstEntry(
      testArchive([
        {
          name: 'short',
          pax: {
            path: name,
            uid: '3000000000',
            mtime: '-1.25',
            'SCHILY.xattr.user.a': 'x=y\0z',
            'LIBARCHIVE.xattr.user.b%3D': 'aGk=',
          },
        },
      ]),
    );
    assert.equal(header?.name, name);
    assert.equal(header?.uid, 3_000_000_000);
    assert.deepEqual(header?.modificationTime, { seconds: -2, nanoseconds: 750_000_000 });
    assert.equal(header?.xattrs.get('user.a')?.toString(), 'x=y\0z');
    assert.equal(header?.xattrs.get('user.b=')?.toString(), 'hi');
  });

  it("reads GNU's long names and binary numbers", () => {
    const long = 'n'.repeat(500);
    const header = firstEntry(
      testArchive([
        { name: '././@LongLink', flag: 'L', data: `${long}\0` },
        { name: '././@LongLink', flag: 'K', data: `${long}target\0` },
        { name: 'cut', flag: '2', linkName: 'cut' },
      ]),
    );
    assert.deepEqual([header?.name, header?.linkName, header?.type], [long, `${long}target`, 'symlink']);
    assert.equal(firstEntry(testArchive([{ name: 'f', size: BINARY_NUMBER(5n << 33n) }]))?.size, 5 * 2 ** 33);
  });

  it('keeps names that are no UTF-8', () => {
    const header = firstEntry(testArchive([{ name: 'caf\xe9' }]));
    assert.equal(header?.name, 'caf\xe9');
    assert.equal(textOf('caf\xe9'), undefined);
    assert.equal(textOf('caf\xc3\xa9'), 'café');
  });

  it('refuses absurd sizes and damaged headers', () => {
    assertRefused(testArchive([{ name: 'f', size: BINARY_NUMBER(-1n) }]), /invalid tar header/);
    assertRefused(testArchive([{ name: 'f', size: BINARY_NUMBER(2n ** 62n) }]), /invalid tar header/);
    assertRefused(testArchive([{ name: 'x', flag: 'x', size: BINARY_NUMBER(8n << 30n) }]), /header field too long/);
    assertRefused(testArchive([{ name: 'x', flag: 'L', size: '77777777777' }]), /header field too long/);
    assertRefused(testArchive([{ name: 'f', pax: { size: '-5' } }]), /invalid tar header/);
    assertRefused(testArchive([{ name: 'f', pax: { path: 'a\0b' } }]), /invalid tar header/);
    assertRefused(testArchive([{ name: 'x', flag: 'x', data: '9999999 path=x\n' }]), /invalid tar header/);
    assertRefused(Buffer.from('garbage'.repeat(100)), /invalid tar header/);
    const damaged = testArchive([{ name: 'f' }]);
    damaged[0] = 1;
    assertRefused(damaged, /invalid tar header/);
  });

  it('refuses sparse maps that do not fit', () => {
    const sparse = (map: string, data = 'x'.repeat(10)) =>
      testArchive([{ name: 'f', data, pax: { 'GNU.sparse.map': map, 'GNU.sparse.size': '100' } }]);
    assert.deepEqual(firstEntry(sparse('5,4,50,6'))?.sparseParts, [
      { offset: 5, size: 4 },
      { offset: 50, size: 6 },
    ]);
    for (const map of ['5,4,8,6', '5,4', '5,4,95,6', '5,-4,50,14', '5,4,50', '1,1e1']) {
      assertRefused(sparse(map), /invalid tar header/);
    }
    const endless = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1' };
    assertRefused(testArchive([{ name: 'f', data: `${2 ** 40}\n`.padEnd(512, '\n'), pax: endless }]), /invalid/);
  });

  it('tells the end from a cut', () => {
    assert.equal(firstEntry(Buffer.alloc(0)), undefined);
    assert.equal(firstEntry(Buffer.alloc(1024)), undefined);
    assertRefused(testArchive([{ name: 'f' }]).subarray(0, 300), /unexpected EOF/);
    assertRefused(testArchive([{ name: 'x', flag: 'x', data: 'y'.repeat(1000) }]).subarray(0, 700), /unexpected EOF/);
  });
});

describe('names', () => {
  it('are taken from the root', () => {
    for (const [name, path] of [
      ['./', ''],
      ['/', ''],
      ['./a//b/', 'a/b'],
      ['/a/./b', 'a/b'],
      ['a/../b', 'b'],
      ['../../a', 'a'],
      ['..a/.b', '..a/.b'],
    ] as const) {
      assert.equal(pathInRoot(name), path, name);
    }
    assert.ok(climbsOut('a/../../b') && climbsOut('/../b') && !climbsOut('a/../b') && !climbsOut('..a'));
  });
});
