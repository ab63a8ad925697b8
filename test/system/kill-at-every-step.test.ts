import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ContainerRequest, TestEngine } from '../harness/index.ts';
import { type Deed, killAtEveryStep, startCrashEngine } from './crash.ts';

const engine = await startCrashEngine();
after(() => engine[Symbol.asyncDispose]());

function kill<Subject>(name: string, deed: Deed<Subject>): void {
  test(name, async (context) => {
    const kills = await killAtEveryStep(engine, deed);
    context.diagnostic(`killed at ${kills} steps`);
    assert.ok(kills > 0);
  });
}

/** On the default bridge, with a published port and an anonymous volume. */
const WEB: ContainerRequest = {
  Cmd: 'trap "exit 0" TERM; while :; do sleep 60 & wait $!; done',
  ExposedPorts: { '80/tcp': {} },
  Volumes: { '/cache': {} },
  HostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } },
};

/** A container that has stopped and starts again still works. */
async function startsAgain(of: TestEngine, id: string): Promise<void> {
  const { State } = await of.inspect(id);
  if (!State.Running) await of.expect(204, 'POST', `/containers/${id}/start`);
  assert.equal((await of.exec(id, 'true')).exitCode, 0);
  assert.equal((await of.inspect(id)).State.Status, 'running');
}

async function startOnNetwork(of: TestEngine): Promise<string> {
  await of.expect(201, 'POST', '/networks/create', { Name: 'net' });
  return of.create(
    {
      ...WEB,
      HostConfig: { ...WEB.HostConfig, NetworkMode: 'net' },
      NetworkingConfig: { EndpointsConfig: { net: { Aliases: ['alias'] } } },
    },
    'web',
  );
}

kill('create, with volumes', {
  prepare: async () => {},
  act: () =>
    engine.create({
      Image: 'settings',
      Volumes: { '/data': {}, '/cache': {} },
      HostConfig: { Binds: ['named:/named'] },
    }),
  // A volume with a name is the client's, as soon as it is there.
  halfway: () => engine.expect(201, 'POST', '/volumes/create', { Name: 'named' }),
});

kill('start on the default bridge with a published port', {
  prepare: () => engine.create(WEB),
  act: (id) => engine.expect(204, 'POST', `/containers/${id}/start`),
  check: (id) => startsAgain(engine, id),
});

kill('start on a network of the client’s', {
  prepare: () => startOnNetwork(engine),
  act: (id) => engine.expect(204, 'POST', `/containers/${id}/start`),
  async check(id) {
    await startsAgain(engine, id);
    const address = (await engine.inspect(id)).NetworkSettings.Networks.net?.IPAddress ?? '';
    assert.match((await engine.exec(id, 'nslookup alias')).stdout, new RegExp(`Address:? *1?:? *${address}`));
  },
});

kill('exec', {
  prepare: () => engine.start(),
  act: (id) => engine.exec(id, 'true'),
  check: (id) => startsAgain(engine, id),
});

kill('pause', {
  prepare: () => engine.start(),
  act: (id) => engine.expect(204, 'POST', `/containers/${id}/pause`),
  async check(id) {
    if ((await engine.inspect(id)).State.Paused) await engine.expect(204, 'POST', `/containers/${id}/unpause`);
    await startsAgain(engine, id);
  },
});

kill('stop', {
  prepare: () =>
    engine.start({
      ...WEB,
      HostConfig: { ...WEB.HostConfig, RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 } },
    }),
  act: (id) => engine.expect(204, 'POST', `/containers/${id}/stop`),
  check: (id) => startsAgain(engine, id),
});

kill('restart', {
  prepare: () => engine.start(WEB),
  act: (id) => engine.expect(204, 'POST', `/containers/${id}/restart`),
  halfway: (id) => engine.expect(204, 'POST', `/containers/${id}/stop`),
  check: (id) => startsAgain(engine, id),
});

kill('rename', {
  async prepare() {
    const id = await startOnNetwork(engine);
    await engine.expect(204, 'POST', `/containers/${id}/start`);
    return id;
  },
  act: (id) => engine.expect(204, 'POST', `/containers/${id}/rename?name=renamed`),
  async check(id) {
    const { Name } = await engine.inspect(id);
    assert.match(Name, /^\/(web|renamed)$/);
    assert.equal((await engine.exec(id, `nslookup ${Name.slice(1)}`)).exitCode, 0);
  },
});

kill('rm -f', {
  prepare: () => engine.start(WEB),
  act: (id) => engine.expect(204, 'DELETE', `/containers/${id}?force=1`),
  halfway: (id) => engine.expect(204, 'POST', `/containers/${id}/kill`),
});

kill('rm -v', {
  prepare: () => engine.create(WEB),
  act: (id) => engine.expect(204, 'DELETE', `/containers/${id}?v=1`),
});

kill('the end of run --rm', {
  prepare: () => engine.start({ ...WEB, HostConfig: { ...WEB.HostConfig, AutoRemove: true } }),
  async act(id) {
    const removed = engine.wait(id, 'removed');
    removed.catch(() => {}); // heard of below
    await engine.expect(204, 'POST', `/containers/${id}/kill`);
    await removed;
  },
});
