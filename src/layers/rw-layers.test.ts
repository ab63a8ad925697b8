import assert from 'node:assert/strict';
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
import { inOwnNamespaces } from '../../test/harness/own-namespaces.ts';
import { isKind } from '../base/index.ts';
import { readMounts } from '../linux/index.ts';
import { LayersFixture } from './layers.fixture.ts';

if (inOwnNamespaces(import.meta.url)) {
  let fixture: LayersFixture;
  const mounts = () => readMounts().filter(({ mountPoint }) => mountPoint.startsWith(fixture.root));
  const overlay2 = () => readdirSync(join(fixture.root, 'overlay2')).filter((name) => name !== 'l');
  const links = () => readdirSync(join(fixture.root, 'overlay2/l'));
  const records = () => readdirSync(join(fixture.root, 'image/overlay2/layerdb/mounts'));

  before(async () => {
    fixture = await LayersFixture.open();
  });
  after(() => fixture[Symbol.asyncDispose]());

  describe('rw layers', () => {
    it("stack a container's files on the image's, with Docker's init files between", async () => {
      const lower = await fixture.register([
        { name: 'etc/', flag: '5', mode: 0o751, uid: 7 },
        { name: 'etc/hosts', data: 'of the image' },
        { name: 'etc/kept', data: 'kept' },
        { name: 'gone', data: 'x' },
      ]);
      const upper = await fixture.register([{ name: '.wh.gone' }, { name: 'new', data: 'n' }], lower.chainId);
      await fixture.layers.createRwLayer('container', upper.chainId);
      const root = await fixture.layers.mountRw('container');
      assert.equal(await fixture.layers.mountRw('container'), root);
      assert.equal(mounts().length, 1);
      assert.deepEqual(readdirSync(root).sort(), ['.dockerenv', 'dev', 'etc', 'new', 'proc', 'sys']);
      assert.deepEqual(readdirSync(join(root, 'dev')).sort(), ['console', 'pts', 'shm']);
      assert.equal(readFileSync(join(root, 'etc/hosts'), 'utf8'), '');
      assert.equal(readFileSync(join(root, 'etc/kept'), 'utf8'), 'kept');
      assert.equal(readlinkSync(join(root, 'etc/mtab')), '/proc/mounts');
      const etc = lstatSync(join(root, 'etc'));
      assert.deepEqual([etc.mode & 0o777, etc.uid], [0o751, 7]);
      writeFileSync(join(root, 'written'), 'w');
      const layer = fixture.layers.rwLayer('container');
      assert.equal(readFileSync(join(layer?.upper ?? '', 'written'), 'utf8'), 'w');
      assert.equal(fixture.layers.mountedRoot('container'), root);
      await fixture.layers.unmountRw('container');
      await fixture.layers.unmountRw('container');
      assert.deepEqual([mounts(), existsSync(root), fixture.layers.mountedRoot('container')], [[], false, undefined]);
      await fixture.layers.release(upper.chainId);
      await fixture.layers.release(lower.chainId);
      assert.equal(overlay2().length, 4);
      await fixture.layers.removeRwLayer('container');
      await fixture.layers.removeRwLayer('container');
      assert.deepEqual([overlay2(), links(), records()], [[], [], []]);
    });

    it('need no image', async () => {
      await fixture.layers.createRwLayer('scratch', undefined);
      const root = await fixture.layers.mountRw('scratch');
      assert.deepEqual(readdirSync(root).sort(), ['.dockerenv', 'dev', 'etc', 'proc', 'sys']);
      await fixture.layers.removeRwLayer('scratch');
      assert.deepEqual([overlay2(), mounts()], [[], []]);
    });

    it('are made safely on top of hostile images', async () => {
      const outside = join(fixture.folder, 'outside');
      mkdirSync(outside);
      const image = await fixture.register([
        { name: 'etc', flag: '2', linkName: outside },
        { name: 'dev/', flag: '5', mode: 0o755 },
        { name: 'dev/pts', flag: '2', linkName: outside },
        { name: 'dev/console', flag: '5', mode: 0o755 },
        { name: 'proc', data: 'a file' },
      ]);
      await fixture.layers.createRwLayer('hostile', image.chainId);
      const root = await fixture.layers.mountRw('hostile');
      assert.deepEqual(readdirSync(outside), []);
      for (const path of ['etc', 'dev/pts', 'dev/console', 'proc']) {
        assert.ok(lstatSync(join(root, path)).isDirectory(), path);
      }
      assert.ok(lstatSync(join(root, 'etc/hosts')).isFile());
      await fixture.layers.removeRwLayer('hostile');
      await fixture.layers.release(image.chainId);
      assert.deepEqual(overlay2(), []);
    });

    it('can stand on as many layers as dockerd allows, and no more', async () => {
      let parent: Awaited<ReturnType<LayersFixture['register']>> | undefined;
      for (let index = 0; index < 127; index++) {
        const below = parent;
        parent = await fixture.register([{ name: `file${index}` }], below?.chainId);
        if (below !== undefined) await fixture.layers.release(below.chainId);
      }
      await fixture.layers.createRwLayer('deep', parent?.chainId);
      const root = await fixture.layers.mountRw('deep');
      assert.ok(existsSync(join(root, 'file0')) && existsSync(join(root, 'file126')));
      await fixture.layers.removeRwLayer('deep');
      const full = [parent];
      for (const index of [0, 1]) full.push(await fixture.register([{ name: `more${index}` }], full.at(-1)?.chainId));
      await assert.rejects(fixture.register([{ name: 'z' }], full.at(-1)?.chainId), /max depth exceeded/);
      for (const layer of full.reverse()) if (layer !== undefined) await fixture.layers.release(layer.chainId);
      assert.deepEqual([overlay2(), links()], [[], []]);
    });

    it('have one container each', async () => {
      await fixture.layers.createRwLayer('one', undefined);
      await assert.rejects(fixture.layers.createRwLayer('one', undefined), (error) => isKind(error, 'conflict'));
      await assert.rejects(fixture.layers.mountRw('other'), (error) => isKind(error, 'notFound'));
      await fixture.layers.removeRwLayer('one');
    });
  });

  describe('recovering', () => {
    it('keeps what known containers and images have, mounts too', async () => {
      const image = await fixture.register([{ name: 'f', data: 'x' }]);
      await fixture.layers.createRwLayer('known', image.chainId);
      const root = await fixture.layers.mountRw('known');
      await fixture.restart();
      assert.equal(fixture.layers.mountedRoot('known'), root);
      await fixture.layers.recover({ containers: new Set(['known']) });
      assert.equal(await fixture.layers.mountRw('known'), root);
      assert.equal(mounts().length, 1);
      assert.equal(readFileSync(join(root, 'f'), 'utf8'), 'x');
      await fixture.layers.removeRwLayer('known');
      assert.deepEqual([fixture.layers.get(image.chainId), overlay2()], [undefined, []]);
    });

    it('removes rw layers and mounts of unknown containers, and layers of ours that nothing refers to', async () => {
      const image = await fixture.register([{ name: 'f', data: 'x' }]);
      const other = await fixture.register([{ name: 'g', data: 'x' }], image.chainId);
      await fixture.layers.createRwLayer('unknown', image.chainId);
      await fixture.layers.mountRw('unknown');
      await fixture.restart();
      await fixture.layers.recover({ containers: new Set() });
      assert.deepEqual([mounts(), overlay2(), links(), records()], [[], [], [], []]);
      assert.equal(fixture.layers.get(other.chainId), undefined);
    });

    it('leaves adopted layers alone', async () => {
      const image = await fixture.register([{ name: 'adopted', data: 'x' }]);
      rmSync(join(fixture.root, 'image/overlay2/layerdb/sha256', image.chainId.slice(7), 'gantry.json'));
      await fixture.restart();
      await fixture.layers.recover({ containers: new Set() });
      fixture.layers.acquire(image.chainId);
      assert.deepEqual(
        (await fixture.layers.release(image.chainId)).map(({ chainId }) => chainId),
        [image.chainId],
      );
    });

    it('finishes what was half made and half removed', async () => {
      const database = join(fixture.root, 'image/overlay2/layerdb');
      const directory = (id: string) => join(fixture.root, 'overlay2', id);
      for (const [folder, id] of [
        [join(database, 'tmp/write-set-1'), 'a'.repeat(64)],
        [join(database, `sha256/${'0'.repeat(64)}-${'1'.repeat(64)}-removing`), 'b'.repeat(64)],
        [join(database, 'tmp/write-set-2'), '../../../precious'],
      ] as const) {
        mkdirSync(folder);
        writeFileSync(join(folder, 'cache-id'), id);
        if (!id.includes('/')) mkdirSync(join(directory(id), 'diff/sub'), { recursive: true });
      }
      mkdirSync(join(fixture.root, 'precious'));
      mkdirSync(join(database, 'mounts/halfmade'));
      writeFileSync(join(database, 'mounts/halfmade/mount-id'), 'c'.repeat(64));
      mkdirSync(join(directory('c'.repeat(64)), 'diff'), { recursive: true });
      writeFileSync(join(fixture.root, 'tmp/gantry-archive-1'), '');
      await fixture.restart();
      await fixture.layers.recover({ containers: new Set() });
      assert.deepEqual([overlay2(), links(), records()], [[], [], []]);
      assert.deepEqual([readdirSync(join(database, 'tmp')), readdirSync(join(database, 'sha256'))], [[], []]);
      assert.deepEqual(readdirSync(join(fixture.root, 'tmp')), []);
      assert.ok(existsSync(join(fixture.root, 'precious')));
    });
  });
}
