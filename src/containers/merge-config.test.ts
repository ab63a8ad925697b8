import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerConfig } from '../contract/docker/index.ts';
import { commandOf, mergeImageConfig } from './merge-config.ts';

const client = (changes: Partial<ContainerConfig> = {}) =>
  ({
    User: '',
    Env: null,
    Cmd: null,
    Entrypoint: null,
    WorkingDir: '',
    Volumes: null,
    Labels: null,
    ...changes,
  }) as ContainerConfig;
const image = { Entrypoint: ['/entry'], Cmd: ['default'], Env: ['A=1', 'B=2'], WorkingDir: '/w', User: 'u' };

test('the image fills in what the client left open', () => {
  const merged = mergeImageConfig(client({ Env: ['B=3'] }), image);
  assert.deepEqual([merged.Env, merged.WorkingDir, merged.User], [['B=3', 'A=1'], '/w', 'u']);
  assert.deepEqual(commandOf(merged), { path: '/entry', arguments: ['default'] });
});

test('a command replaces the image’s command, an entrypoint replaces both', () => {
  assert.deepEqual(commandOf(mergeImageConfig(client({ Cmd: ['x'] }), image)), { path: '/entry', arguments: ['x'] });
  assert.deepEqual(commandOf(mergeImageConfig(client({ Entrypoint: ['/e'] }), image)), { path: '/e', arguments: [] });
  assert.deepEqual(commandOf(mergeImageConfig(client({ Entrypoint: [''], Cmd: ['sh'] }), image)), {
    path: 'sh',
    arguments: [],
  });
});

test('no command at all is refused', () => {
  assert.throws(() => commandOf(mergeImageConfig(client(), {})), { message: 'no command specified' });
});
