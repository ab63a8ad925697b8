import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerConfig, HostConfig, MountSpec } from '../contract/docker/index.ts';
import { ociMounts, planMounts } from './mounts.ts';

const config = (Volumes: ContainerConfig['Volumes'] = null) => ({ Volumes }) as ContainerConfig;
const host = (changes: Partial<HostConfig>) => ({ Binds: null, VolumeDriver: '', ...changes }) as HostConfig;
const plan = (Binds: string[], Mounts: MountSpec[] = []) => planMounts(config(), host({ Binds, Mounts }), []);

test('an absolute source is a bind, a name a volume, a declared volume anonymous', () => {
  const [bind, volume] = plan(['/src/:/dst:ro', 'data:/data']);
  assert.deepEqual(
    [bind?.type, bind?.source, bind?.destination, bind?.writable, bind?.propagation],
    ['bind', '/src', '/dst', false, 'rprivate'],
  );
  assert.deepEqual([volume?.type, volume?.name, volume?.mode], ['volume', 'data', 'z']);
  const [anonymous] = planMounts(config({ '/var/x/': {} }), host({}), []);
  assert.equal(anonymous?.destination, '/var/x');
  assert.match(anonymous?.name ?? '', /^[0-9a-f]{64}$/);
});

test('what cannot be mounted is refused with dockerd’s words', () => {
  const refusals: [string[], string][] = [
    [['/a:/b:ro:z'], "invalid volume specification: '/a:/b:ro:z'"],
    [['/a:/b:fast'], 'invalid mode: fast'],
    [
      ['/a:b'],
      `invalid volume specification: '/a:b': invalid mount config for type "bind": invalid mount path: 'b' mount path must be absolute`,
    ],
    [
      ['/a:/'],
      `invalid volume specification: '/a:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    ],
    [['/a:/b:ro,rw'], 'invalid mode: ro,rw'],
  ];
  for (const [binds, message] of refusals) assert.throws(() => plan(binds), { kind: 'system', message });
  const message = 'Duplicate mount point: /b';
  assert.throws(() => plan(['/a:/b', '/c:/b']), { kind: 'invalidParameter', message });
});

test('parents are mounted before what lies in them', () => {
  const order = ociMounts(plan(['/x:/a/b/c', '/y:/a', '/z:/a/b']), host({})).map((mount) => mount.destination);
  assert.deepEqual(order, ['/a', '/a/b', '/a/b/c']);
});
