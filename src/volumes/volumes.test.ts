import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Clock, createLog } from '../base/index.ts';
import { type Kernel, type KernelOperation, readMounts, startKernel } from '../linux/index.ts';
import { openVolumes, type VolumeEvent } from './volumes.ts';

let kernel: Kernel;
before(async () => {
  kernel = await startKernel();
});
after(() => kernel[Symbol.asyncDispose]());

async function setUp(given: { kernel?: Kernel } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'gantry-volumes-'));
  const events: VolumeEvent[] = [];
  const options = {
    root,
    kernel,
    clock: new Clock(),
    log: createLog('fatal'),
    events: (event: VolumeEvent) => void events.push(event),
    ...given,
  };
  return {
    root,
    events,
    volumes: await openVolumes(options),
    reopen: () => openVolumes(options),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test('a volume is made once, found again after a restart, and removed with its data', async () => {
  await using setup = await setUp();
  const made = await setup.volumes.create({ name: 'data', labels: { a: 'b' } });
  assert.equal(made.Mountpoint, join(setup.root, 'volumes/data/_data'));
  assert.deepEqual(await setup.volumes.create({ name: 'data', options: { nonsense: 'x' } }), made);
  assert.equal((await stat(join(setup.root, 'volumes/data'))).mode & 0o777, 0o701);
  await writeFile(join(made.Mountpoint, 'file'), 'x');
  await mkdir(join(setup.root, 'volumes/.creating-x/_data'), { recursive: true });
  const volumes = await setup.reopen();
  assert.deepEqual(volumes.inspect('data'), made);
  await volumes.remove('data', { users: [] });
  assert.deepEqual(await readdir(join(setup.root, 'volumes')), []);
  assert.deepEqual(
    setup.events.map(({ action, id, attributes }) => [action, id, attributes.driver]),
    [
      ['create', 'data', 'local'],
      ['destroy', 'data', 'local'],
    ],
  );
});

test('bad requests are refused in dockerd’s words', async () => {
  await using setup = await setUp();
  const { volumes } = setup;
  const local = (options: Record<string, string>) => () => volumes.create({ name: 'tt', options });
  const cases: [action: () => Promise<unknown>, kind: string, message: string][] = [
    [
      async () => volumes.create({ name: 'a' }),
      'invalidParameter',
      'create a: volume name is too short, names should be at least two alphanumeric characters',
    ],
    [
      async () => volumes.create({ name: '../x' }),
      'invalidParameter',
      'create ../x: "../x" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    ],
    [
      async () => volumes.create({ name: 'tt', driver: 'foo' }),
      'notFound',
      'create tt: error looking up volume plugin foo: plugin "foo" not found',
    ],
    [local({ foo: 'x' }), 'invalidParameter', 'create tt: invalid option: "foo"'],
    [local({ type: 'tmpfs' }), 'invalidParameter', 'create tt: missing required option: "device"'],
    [local({ device: '/x' }), 'invalidParameter', 'create tt: missing required option: "type"'],
    [local({ size: 'zz' }), 'invalidParameter', "create tt: invalid size: 'zz'"],
    [local({ size: '1m' }), 'invalidParameter', 'create tt: quota size requested but no quota support'],
    [async () => volumes.inspect('none'), 'notFound', 'get none: no such volume'],
    [() => volumes.remove('none', { users: [] }), 'notFound', 'get none: no such volume'],
    [async () => volumes.list({ foo: ['x'] }, () => false), 'invalidParameter', "invalid filter 'foo'"],
    [async () => volumes.list({ dangling: ['x'] }, () => false), 'invalidParameter', "invalid filter 'dangling=[x]'"],
  ];
  for (const [action, kind, message] of cases) await assert.rejects(action, { kind, message });
  await volumes.remove('none', { users: [], force: true });
  assert.deepEqual(await readdir(join(setup.root, 'volumes')), []);
});

test('a volume in use stays', async () => {
  await using setup = await setUp();
  await setup.volumes.create({ name: 'ab' });
  const removal = setup.volumes.remove('ab', { users: ['c1', 'c2'], force: true });
  await assert.rejects(removal, { kind: 'conflict', message: 'remove ab: volume is in use - [c1, c2]' });
  assert.equal(setup.volumes.list({ dangling: ['true'] }, () => true).length, 0);
});

test('filters', async () => {
  await using setup = await setUp();
  for (const name of ['t1', 't11', 'x2']) await setup.volumes.create({ name, labels: { name } });
  const anonymous = await setup.volumes.create({});
  assert.match(anonymous.Name, /^[0-9a-f]{64}$/);
  assert.deepEqual(anonymous.Labels, { 'com.docker.volume.anonymous': '' });
  const names = (filters: Record<string, string[]>) =>
    setup.volumes.list(filters, (name) => name === 't1').map((volume) => volume.Name);
  assert.deepEqual(names({ name: ['^t'] }), ['t1', 't11']);
  assert.deepEqual(names({ name: ['t['] }), []);
  assert.deepEqual(names({ label: ['name=x2'] }), ['x2']);
  assert.deepEqual(names({ dangling: ['false'] }), ['t1']);
  assert.deepEqual(names({ driver: ['other'] }), []);
});

test('a volume with a device is mounted for its first user and unmounted after its last', async () => {
  await using setup = await setUp();
  const { volumes } = setup;
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,noexec,uid=1000' };
  const { Mountpoint: target } = await volumes.create({ name: 'memory', options });
  const mounts = () => readMounts().filter(({ mountPoint }) => mountPoint === target);
  assert.equal(
    await readFile(join(setup.root, 'volumes/memory/opts.json'), 'utf8'),
    '{"MountType":"tmpfs","MountOpts":"size=1m,noexec,uid=1000","MountDevice":"tmpfs","Quota":{"Size":0}}',
  );
  await Promise.all([volumes.use('memory', 'c1'), volumes.use('memory', 'c2'), volumes.use('memory', 'c1')]);
  assert.equal(mounts().length, 1);
  assert.equal((await stat(target)).uid, 1000);
  await volumes.release('memory', 'c1');
  assert.equal(mounts().length, 1);
  const next = await setup.reopen();
  await next.use('memory', 'c2');
  await next.recover();
  assert.equal(mounts().length, 1);
  await next.release('memory', 'c2');
  assert.equal(mounts().length, 0);
  await next.remove('memory', { users: [] });
});

test('a device that cannot be mounted is told as dockerd tells it', async () => {
  await using setup = await setUp();
  const { Mountpoint: target } = await setup.volumes.create({
    name: 'gone',
    options: { type: 'none', o: 'bind', device: '/nope' },
  });
  await assert.rejects(setup.volumes.use('gone', 'c'), {
    message: `error while mounting volume '${target}': failed to mount local volume: mount /nope:${target}, flags: 0x1000: no such file or directory`,
  });
});

test('a read-only bind takes a second call', async () => {
  const seen: KernelOperation[] = [];
  const recorder: Kernel = {
    run: (operations) => {
      seen.push(...operations);
      return kernel.run([]) as never;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  await using setup = await setUp({ kernel: recorder });
  await setup.volumes.create({ name: 'ro', options: { type: 'none', o: 'bind,ro', device: '/srv' } });
  await setup.volumes.use('ro', 'c');
  assert.deepEqual(
    seen.map((operation) => operation.op === 'mount' && operation.flags),
    [
      ['bind', 'readonly'],
      ['remount', 'bind', 'readonly'],
    ],
  );
});
