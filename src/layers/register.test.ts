import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf, isKind } from '../base/index.ts';
import { getXattr, listXattrs } from '../linux/index.ts';
import type { Layer } from './index.ts';
import { LayersFixture } from './layers.fixture.ts';
import { type TestEntry, testArchive } from './tar.fixture.ts';

let fixture: LayersFixture;
before(async () => {
  fixture = await LayersFixture.open();
});
after(() => fixture[Symbol.asyncDispose]());

const treeOf = (layer: Layer) => fixture.layers.imageGraphDriverData(layer.chainId).UpperDir ?? '';
const directories = () => readdirSync(join(fixture.root, 'overlay2')).sort();

/** Everything below the data root's folders that a layer could leave. */
const leftovers = () => [
  ...directories(),
  ...readdirSync(join(fixture.root, 'overlay2/l')),
  ...readdirSync(join(fixture.root, 'image/overlay2/layerdb/sha256')),
  ...readdirSync(join(fixture.root, 'image/overlay2/layerdb/tmp')),
  ...readdirSync(join(fixture.root, 'tmp')),
];

async function assertRefused(archive: Uint8Array, message: RegExp, kind: 'invalidParameter' | 'system') {
  const earlier = leftovers();
  await assert.rejects(fixture.layers.register({ path: fixture.file(archive) }, undefined), (error) => {
    assert.match(String(error), message);
    return isKind(error, kind);
  });
  assert.deepEqual(leftovers(), earlier);
}

describe('registering a layer', () => {
  it('makes files as the archive has them, and gives the archive back bit by bit', async () => {
    const capability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';
    const entries: TestEntry[] = [
      { name: './', flag: '5', mode: 0o700 },
      { name: 'group/', flag: '5', mode: 0o2775, gid: 50, pax: { mtime: '1500000000.123456789' } },
      { name: 'group/setuid', data: 'x'.repeat(3000), mode: 0o4755, uid: 1000, gid: 1000 },
      { name: 'group/ours', mode: 0o600 },
      { name: 'group/hard', flag: '1', linkName: 'group/setuid', mode: 0o4755, uid: 1000, gid: 1000 },
      { name: 'soft', flag: '2', linkName: '/etc/passwd' },
      { name: 'implied/deep/disk', flag: '4', device: [8, 17], mode: 0o660 },
      { name: 'fifo', flag: '6' },
      { name: 'capable', data: 'elf', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': capability } },
      { name: 'steering', data: '1', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } },
      { name: 'caf\xe9', data: 'latin' },
    ];
    const layer = await fixture.register(entries);
    const tree = treeOf(layer);
    const group = lstatSync(join(tree, 'group'), { bigint: true });
    assert.deepEqual([group.mode & 0o7777n, group.gid, group.mtimeNs], [0o2775n, 50n, 1500000000123456789n]);
    const setuid = lstatSync(join(tree, 'group/setuid'));
    assert.deepEqual([setuid.mode & 0o7777, setuid.uid, setuid.nlink], [0o4755, 1000, 2]);
    assert.deepEqual([lstatSync(join(tree, 'group/ours')).gid, lstatSync(tree).mode & 0o777], [0, 0o755]);
    assert.equal(readlinkSync(join(tree, 'soft')), '/etc/passwd');
    assert.equal(lstatSync(join(tree, 'implied/deep/disk')).rdev, 8 * 256 + 17);
    assert.ok(lstatSync(join(tree, 'fifo')).isFIFO());
    assert.equal(getXattr(join(tree, 'capable'), 'security.capability')?.toString('latin1'), capability);
    assert.deepEqual(listXattrs(join(tree, 'steering')), []);
    assert.equal(readFileSync(Buffer.from(`${tree}/caf\xe9`, 'latin1'), 'utf8'), 'latin');
    assert.deepEqual(await fixture.archiveOf(layer), testArchive(entries));
    await fixture.layers.release(layer.chainId);
  });

  it('reads every compression', async () => {
    const archive = testArchive([{ name: 'f', data: 'content'.repeat(10_000) }]);
    for (const compress of [gzipSync, zstdCompressSync]) {
      const path = fixture.file(Buffer.concat([compress(archive.subarray(0, 777)), compress(archive.subarray(777))]));
      const layer = await fixture.layers.register({ path }, undefined, digestOf(archive));
      assert.deepEqual(await fixture.archiveOf(layer), archive);
      await fixture.layers.release(layer.chainId);
    }
    for (const program of ['xz', 'bzip2']) {
      const path = fixture.file(execFileSync(program, ['-c'], { input: archive }));
      const layer = await fixture.layers.register({ path }, undefined, digestOf(archive));
      await fixture.layers.release(layer.chainId);
      await assertRefused(readFileSync(path).subarray(0, 60), /.+/, 'invalidParameter');
    }
    const padded = Buffer.concat([Buffer.alloc(1000), archive, Buffer.alloc(1000)]);
    const inside = { path: fixture.file(padded), offset: 1000, size: archive.length };
    const layer = await fixture.layers.register(inside, undefined, digestOf(archive));
    assert.deepEqual(await fixture.layers.release(layer.chainId), [layer]);
  });

  it("reads GNU tar's sparse files of every version", async () => {
    const folder = join(fixture.folder, 'sparse');
    mkdirSync(folder);
    execFileSync('truncate', ['-s', '3M', join(folder, 'hole')]);
    for (let index = 0; index < 40; index++) {
      const place = ['conv=notrunc', 'bs=4096', `seek=${index * 16}`, `of=${join(folder, 'hole')}`];
      execFileSync('dd', place, { input: `part ${index}`, stdio: ['pipe', 'ignore', 'ignore'] });
    }
    for (const format of [['gnu'], ['posix', '0.0'], ['posix', '0.1'], ['posix', '1.0']]) {
      const version = format[1] === undefined ? [] : [`--sparse-version=${format[1]}`];
      const archive = execFileSync('tar', ['-S', `--format=${format[0]}`, ...version, '-C', folder, '-c', 'hole']);
      assert.ok(archive.length < 1 << 20, 'tar did not make it sparse');
      const layer = await fixture.layers.register({ path: fixture.file(archive) }, undefined);
      const [unpacked, original] = [join(treeOf(layer), 'hole'), join(folder, 'hole')];
      assert.ok(readFileSync(unpacked).equals(readFileSync(original)), format.join());
      assert.ok(lstatSync(unpacked).blocks * 512 < 1 << 20);
      assert.ok((await fixture.archiveOf(layer)).equals(archive));
      await fixture.layers.release(layer.chainId);
    }
  });

  it('turns whiteouts into what overlayfs knows', async () => {
    const layer = await fixture.register([
      { name: 'dir/.wh.gone' },
      { name: 'opaque/', flag: '5', mode: 0o755 },
      { name: 'opaque/.wh..wh..opq' },
      { name: '.wh..wh.plnk', flag: '5' },
      { name: '.wh.again' },
      { name: 'again/', flag: '5', mode: 0o755 },
    ]);
    const tree = treeOf(layer);
    const gone = lstatSync(join(tree, 'dir/gone'));
    assert.ok(gone.isCharacterDevice() && gone.rdev === 0);
    assert.equal(getXattr(join(tree, 'opaque'), 'trusted.overlay.opaque')?.toString(), 'y');
    assert.equal(getXattr(join(tree, 'again'), 'trusted.overlay.opaque')?.toString(), 'y');
    assert.deepEqual(readdirSync(tree).sort(), ['again', 'dir', 'opaque']);
    await fixture.layers.release(layer.chainId);
  });

  it('gives back an archive that has a file twice', async () => {
    const entries: TestEntry[] = [
      { name: 'twice', data: 'the first content' },
      { name: 'folder/inner', data: 'lost' },
      { name: 'twice', data: 'the second' },
      { name: 'folder', data: 'a file now' },
    ];
    const layer = await fixture.register(entries);
    assert.equal(readFileSync(join(treeOf(layer), 'twice'), 'utf8'), 'the second');
    assert.equal(layer.size, 'the second'.length + 'a file now'.length);
    assert.deepEqual(await fixture.archiveOf(layer), testArchive(entries));
    await fixture.layers.release(layer.chainId);
  });

  it('notices files that were changed', async () => {
    const layer = await fixture.register([{ name: 'f', data: 'true content' }]);
    writeFileSync(join(treeOf(layer), 'f'), 'false content');
    await assert.rejects(fixture.archiveOf(layer), /checksum/);
    rmSync(join(treeOf(layer), 'f'));
    await assert.rejects(fixture.archiveOf(layer), /no such file/);
    await fixture.layers.release(layer.chainId);
  });

  it('writes the layer database that dockerd reads', async () => {
    const lower = await fixture.register([{ name: 'a', data: 'x' }]);
    const upper = await fixture.register([{ name: 'b' }], lower.chainId);
    const folder = join(fixture.root, 'image/overlay2/layerdb/sha256', upper.chainId.slice(7));
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    assert.deepEqual([read('diff'), read('parent'), read('size')], [upper.diffId, lower.chainId, '0']);
    const directory = join(fixture.root, 'overlay2', read('cache-id'));
    const link = readFileSync(join(directory, 'link'), 'utf8');
    assert.match(link, /^[A-Z2-7]{26}$/);
    assert.equal(readlinkSync(join(fixture.root, 'overlay2/l', link)), `../${read('cache-id')}/diff`);
    assert.match(readFileSync(join(directory, 'lower'), 'utf8'), /^l\/[A-Z2-7]{26}$/);
    const lines = gunzipSync(readFileSync(join(folder, 'tar-split.json.gz')))
      .toString()
      .trim()
      .split('\n');
    assert.deepEqual(JSON.parse(lines[1] ?? ''), { type: 1, name: 'b', payload: null, position: 1 });
    assert.equal(existsSync(join(directory, 'committed')), false);
    await fixture.layers.release(lower.chainId);
    assert.deepEqual(await fixture.layers.release(upper.chainId), [upper, lower]);
    assert.deepEqual(directories(), ['l']);
  });

  it('keeps one layer for one content, however often it is registered', async () => {
    const entries = [{ name: 'same', data: 'same' }];
    const [first, second] = await Promise.all([fixture.register(entries), fixture.register(entries)]);
    assert.equal(first, second);
    assert.deepEqual(await fixture.layers.release(first.chainId), []);
    assert.deepEqual(await fixture.layers.release(first.chainId), [first]);
  });
});

describe('a hostile archive', () => {
  it('cannot write outside', async () => {
    for (const name of ['../escape', 'a/../../escape', '/../escape']) {
      await assertRefused(testArchive([{ name, data: 'x' }]), /invalid entry name/, 'invalidParameter');
    }
    const hardlink = testArchive([{ name: 'h', flag: '1', linkName: '../../etc/passwd' }]);
    await assertRefused(hardlink, /invalid hardlink target/, 'invalidParameter');
    const outside = join(fixture.folder, 'outside');
    mkdirSync(outside);
    const layer = await fixture.register([
      { name: 'absolute', flag: '2', linkName: outside },
      { name: 'absolute/file', data: 'x' },
      { name: 'relative', flag: '2', linkName: `${'../'.repeat(12)}${outside.slice(1)}` },
      { name: 'relative/file2', data: 'x' },
      { name: '/rooted', data: 'x' },
    ]);
    assert.deepEqual(readdirSync(outside), []);
    assert.deepEqual(readdirSync(join(treeOf(layer), outside)).sort(), ['file', 'file2']);
    assert.ok((await fixture.archiveOf(layer)).length > 0);
    await fixture.layers.release(layer.chainId);
  });

  it('cannot read outside when it is given back', async () => {
    const secret = join(fixture.folder, 'secret');
    writeFileSync(secret, 'secret');
    const layer = await fixture.register([{ name: 'f', data: 'secret' }]);
    rmSync(join(treeOf(layer), 'f'));
    execFileSync('ln', ['-s', secret, join(treeOf(layer), 'f')]);
    await assert.rejects(fixture.archiveOf(layer), /no such file/);
    await fixture.layers.release(layer.chainId);
  });

  it('is refused if it loops, replaces the root, or is cut off', async () => {
    const loop = [
      { name: 'a', flag: '2', linkName: 'b/x' },
      { name: 'b', flag: '2', linkName: 'a/x' },
      { name: 'a/f', data: 'x' },
    ];
    await assertRefused(testArchive(loop), /symbolic links/, 'invalidParameter');
    await assertRefused(testArchive([{ name: '/', data: 'x' }]), /root directory/, 'invalidParameter');
    await assertRefused(testArchive([{ name: 'f', flag: 'Z' }]), /unhandled tar header type 90/, 'invalidParameter');
    await assertRefused(testArchive([{ name: 'h', flag: '1', linkName: 'missing' }]), /no such file/, 'system');
    const inFile = [{ name: 'f', data: 'x' }, { name: 'f/g' }];
    await assertRefused(testArchive(inFile), /f\/g: not a directory/, 'system');
    const honest = testArchive([{ name: 'f', data: 'x'.repeat(5000) }]);
    for (const size of [100, 600, 3000]) {
      await assertRefused(honest.subarray(0, size), /unexpected EOF/, 'invalidParameter');
      await assertRefused(gzipSync(honest).subarray(0, size / 30), /unexpected EOF/, 'invalidParameter');
    }
    await assertRefused(testArchive([{ name: 'f', size: '77777777777' }]), /unexpected EOF/, 'invalidParameter');
    const damaged = gzipSync(Buffer.from(honest));
    damaged.fill(0xff, 12, 40);
    await assertRefused(damaged, /gzip: invalid data/, 'invalidParameter');
  });

  it('is refused if its digest is not the expected one', async () => {
    const path = fixture.file(testArchive([{ name: 'f' }]));
    const earlier = leftovers();
    await assert.rejects(fixture.layers.register({ path }, undefined, digestOf('other')), /invalid diffID/);
    assert.deepEqual(leftovers(), earlier);
  });
});
