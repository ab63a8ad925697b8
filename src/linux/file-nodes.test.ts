import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeNode, setFileTimes } from './file-nodes.ts';
import { getXattr, listXattrs, setXattr } from './xattr.ts';

describe('file nodes and attributes', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-nodes-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('makes devices and fifos', () => {
    makeNode(join(folder, 'whiteout'), 'character', 0);
    makeNode(join(folder, 'disk'), 'block', 0o600, 259, 70000);
    makeNode(join(folder, 'fifo'), 'fifo', 0o600);
    assert.equal(lstatSync(join(folder, 'whiteout')).rdev, 0);
    const disk = lstatSync(join(folder, 'disk'));
    assert.ok(disk.isBlockDevice());
    assert.equal((disk.rdev >> 8) & 0xfff, 259);
    assert.ok(lstatSync(join(folder, 'fifo')).isFIFO());
    assert.throws(() => makeNode(join(folder, 'fifo'), 'fifo', 0o600), { code: 'EEXIST' });
  });

  it('sets times to the nanosecond, of symlinks too', () => {
    symlinkSync('nowhere', join(folder, 'link'));
    setFileTimes(join(folder, 'link'), { seconds: 1, nanoseconds: 2 }, { seconds: 1700000000, nanoseconds: 123456789 });
    assert.equal(lstatSync(join(folder, 'link'), { bigint: true }).mtimeNs, 1700000000123456789n);
  });

  it('sets and reads extended attributes', () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    const value = Buffer.from([1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    setXattr(path, 'security.capability', value);
    assert.deepEqual(getXattr(path, 'security.capability'), value);
    assert.deepEqual(listXattrs(path), ['security.capability']);
    assert.equal(getXattr(path, 'trusted.nothing'), undefined);
    assert.throws(() => setXattr(join(folder, 'none'), 'user.x', value), { code: 'ENOENT' });
  });
});
