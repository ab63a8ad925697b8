import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

let removeHostDirectory = () => {};
// Comes before the engine's own end: without the engine its files cannot be reached.
after(() => removeHostDirectory());

const engine = await suiteEngine();
await engine.load(engine.images.settings);

/** A directory of the host, by the engine's name for it. */
const host = `/tmp/${engine.unique('mounts')}`;
mkdirSync(engine.path(host), { recursive: true });
writeFileSync(engine.path(`${host}/file`), 'from the host\n');
removeHostDirectory = () => rmSync(engine.path(host), { recursive: true });

test('a bind: both sides see each other’s changes', async () => {
  const { stdout } = await engine.run({
    Cmd: 'cat /b/file; echo back > /b/new',
    HostConfig: { Binds: [`${host}:/b`] },
  });
  assert.equal(stdout, 'from the host\n');
  assert.equal(statSync(engine.path(`${host}/new`)).size, 5);
});

test('a read-only bind', async () => {
  const { stderr } = await engine.run({ Cmd: 'echo x > /b/file', HostConfig: { Binds: [`${host}:/b:ro`] } });
  assert.match(stderr, /Read-only file system/);
});

test('a bind of a file', async () => {
  const { stdout } = await engine.run({ Cmd: 'cat /etc/extra', HostConfig: { Binds: [`${host}/file:/etc/extra`] } });
  assert.equal(stdout, 'from the host\n');
});

test('Binds makes a missing source directory', async () => {
  const { exitCode } = await engine.run({ Cmd: 'test -d /b', HostConfig: { Binds: [`${host}/made/below:/b`] } });
  assert.equal(exitCode, 0);
  assert.ok(statSync(engine.path(`${host}/made/below`)).isDirectory());
});

test('propagation is as asked for', async () => {
  const { Mounts } = await engine.inspect(
    await engine.create({ HostConfig: { Binds: [`${host}:/a`, `${host}:/b:ro,rslave`] } }),
  );
  const summary = Mounts.map(({ Type, Source, Destination, Mode, RW, Propagation }) => [
    Destination,
    Type,
    Source,
    Mode,
    RW,
    Propagation,
  ]);
  assert.deepEqual(summary.sort(), [
    ['/a', 'bind', host, '', true, 'rprivate'],
    ['/b', 'bind', host, 'ro,rslave', false, 'rslave'],
  ]);
});

test('a named volume is made, filled from the image, and kept', async () => {
  const volume = engine.unique('volume');
  const HostConfig = { Binds: [`${volume}:/data`] };
  const first = await engine.run({ Image: 'settings', Entrypoint: ['sh', '-c', 'cat /data/seed'], HostConfig });
  assert.equal(first.stdout, 'from the image');
  await engine.run({ Cmd: 'echo changed > /data/seed', HostConfig });
  const again = await engine.run({ Image: 'settings', Entrypoint: ['sh', '-c', 'cat /data/seed'], HostConfig });
  assert.equal(again.stdout, 'changed\n');
  await engine.remove(first.id, again.id);
  const { Mountpoint, Driver, Scope } = (await engine.expect(200, 'GET', `/volumes/${volume}`)).json();
  assert.deepEqual([Driver, Scope], ['local', 'local']);
  assert.equal(statSync(engine.path(`${Mountpoint}/seed`)).size, 8);
  await engine.removeOwn();
  await engine.expect(204, 'DELETE', `/volumes/${volume}`);
});

test('nocopy leaves a new volume empty', async () => {
  const volume = engine.unique('volume');
  const { id, stdout } = await engine.run({
    Image: 'settings',
    Entrypoint: ['ls', '/data'],
    HostConfig: { Binds: [`${volume}:/data:nocopy`] },
  });
  assert.equal(stdout, '');
  await engine.remove(id);
  await engine.expect(204, 'DELETE', `/volumes/${volume}`);
});

test('a volume of the image gets an anonymous volume, with the image’s files and owner', async () => {
  const id = await engine.create({
    Image: 'settings',
    Entrypoint: ['sh', '-c', 'cat /data/seed; grep -c " /data " /proc/mounts'],
  });
  const { Mounts } = await engine.inspect(id);
  assert.deepEqual(
    Mounts.map(({ Type, Destination, RW }) => [Type, Destination, RW]),
    [['volume', '/data', true]],
  );
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  assert.equal((await engine.finish(id)).stdout, 'from the image1\n');
});

test('Mounts: bind, volume, tmpfs', async () => {
  const volume = engine.unique('volume');
  const { id, stdout, stderr } = await engine.run({
    Cmd: 'cat /b/file; touch /b/x; grep " /v " /proc/mounts | cut -d" " -f2; grep " /t " /proc/mounts',
    HostConfig: {
      Mounts: [
        { Type: 'bind', Source: host, Target: '/b', ReadOnly: true },
        { Type: 'volume', Source: volume, Target: '/v', VolumeOptions: { Labels: engine.labels } },
        { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 65_536, Mode: 0o700 } },
      ],
    },
  });
  const [file, v, tmpfs] = stdout.split('\n');
  assert.deepEqual([file, v], ['from the host', '/v']);
  assert.match(tmpfs ?? '', /^tmpfs \/t tmpfs rw,nosuid,nodev,noexec,relatime,size=64k,mode=700\b/);
  assert.match(stderr, /touch: \/b\/x: Read-only file system/);
  const labels = (await engine.expect(200, 'GET', `/volumes/${volume}`)).json().Labels;
  assert.deepEqual(labels, engine.labels);
  await engine.remove(id);
});

test('Tmpfs with options', async () => {
  const { stdout } = await engine.run({
    Cmd: 'grep " /t " /proc/mounts; grep " /u " /proc/mounts',
    HostConfig: { Tmpfs: { '/t': '', '/u': 'rw,exec,size=1m' } },
  });
  const [plain, options] = stdout.split('\n');
  assert.match(plain ?? '', /^tmpfs \/t tmpfs rw,nosuid,nodev,noexec,relatime\b/);
  assert.match(options ?? '', /^tmpfs \/u tmpfs rw,nosuid,nodev,relatime,size=1024k\b/);
});

test('a read-only root file system, its volumes and tmpfs writable', async () => {
  const { stdout, stderr } = await engine.run({
    Cmd: 'touch /x; touch /t/x && touch /v/x && touch /dev/shm/x && ls /t /v; touch /etc/hosts /etc/x',
    Volumes: { '/v': {} },
    HostConfig: { ReadonlyRootfs: true, Tmpfs: { '/t': '' } },
  });
  assert.equal(stdout, '/t:\nx\n\n/v:\nx\n');
  assert.match(stderr, /touch: \/x: Read-only file system/);
  assert.match(stderr, /touch: \/etc\/x: Read-only file system/);
});

test('volumes of another container', async () => {
  const source = await engine.start({ Volumes: { '/shared': {} } });
  await engine.exec(source, 'echo hello > /shared/file');
  const { stdout } = await engine.run({ Cmd: 'cat /shared/file', HostConfig: { VolumesFrom: [source] } });
  assert.equal(stdout, 'hello\n');
  const { stderr } = await engine.run({ Cmd: 'touch /shared/x', HostConfig: { VolumesFrom: [`${source}:ro`] } });
  assert.match(stderr, /Read-only file system/);
});

test('a mount inside another mount', async () => {
  const { stdout } = await engine.run({
    Cmd: 'cat /b/inner/seed; ls /b',
    HostConfig: { Binds: [`${host}/made:/b/inner`, `${host}:/b`] },
  });
  assert.match(stdout, /^file$/m);
  assert.match(stdout, /^inner$/m);
});

test('the working directory is made when it is missing', async () => {
  const { stdout } = await engine.run({ WorkingDir: '/made/for/me', Cmd: 'pwd; stat -c %u .' });
  assert.equal(stdout, '/made/for/me\n0\n');
});
