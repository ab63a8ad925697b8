import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventMessage } from '../../../src/contract/docker/index.ts';
import { suiteEngine, uniqueImage } from '../../harness/index.ts';

const engine = await suiteEngine();

function query(filters: object, more = ''): string {
  return `/events?filters=${encodeURIComponent(JSON.stringify(filters))}${more}`;
}

/** The past events of a container, as "type action". */
async function past(filters: object): Promise<EventMessage[]> {
  const until = Math.ceil(Date.now() / 1000) + 1;
  const answer = await engine.expect(200, 'GET', query(filters, `&since=0&until=${until}`));
  return answer.lines<EventMessage>();
}

async function actions(filters: object): Promise<string[]> {
  return (await past(filters)).map(({ Type, Action }) => `${Type} ${Action}`);
}

test('a container’s life, in order', async () => {
  const name = engine.unique('life');
  const id = await engine.start({ Labels: { mine: 'yes' } }, name);
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  await engine.expect(204, 'POST', `/containers/${id}/unpause`);
  await engine.expect(204, 'POST', `/containers/${id}/rename?name=${name}-2`);
  await engine.expect(204, 'POST', `/containers/${id}/restart?t=20`);
  await engine.expect(204, 'POST', `/containers/${id}/kill?signal=KILL`);
  await engine.wait(id);
  await engine.expect(204, 'DELETE', `/containers/${id}`);
  const events = await past({ container: [id], type: ['container'] });
  const all = events.map(({ Action }) => Action);
  assert.equal(all.filter((action) => action === 'stop').length, 1);
  assert.deepEqual(
    all.filter((action) => action !== 'stop'), // it comes just before or just after its die
    [
      ...['create', 'start', 'pause', 'unpause', 'rename'],
      ...['kill', 'die', 'start', 'restart'],
      ...['kill', 'die', 'destroy'],
    ],
  );
  for (const { Type, Actor, scope, time, timeNano, id: old } of events) {
    assert.deepEqual([Type, Actor.ID, scope, old], ['container', id, 'local', id]);
    assert.equal(Math.floor(timeNano / 1e9), time);
    assert.deepEqual([Actor.Attributes.image, Actor.Attributes.mine], ['busybox', 'yes']);
  }
  const [create, start] = events;
  assert.deepEqual([create?.Actor.Attributes.name, create?.status, create?.from], [name, 'create', 'busybox']);
  assert.equal(start?.Actor.Attributes.name, name);
  const rename = events.find(({ Action }) => Action === 'rename');
  assert.deepEqual([rename?.Actor.Attributes.name, rename?.Actor.Attributes.oldName], [`${name}-2`, `/${name}`]);
  const kills = events.filter(({ Action }) => Action === 'kill');
  assert.deepEqual(
    kills.map(({ Actor }) => Actor.Attributes.signal),
    ['15', '9'],
  );
  const die = events.findLast(({ Action }) => Action === 'die');
  assert.equal(die?.Actor.Attributes.exitCode, '137');
  assert.match(die?.Actor.Attributes.execDuration ?? '', /^\d+$/);
});

test('attach, exec, resize, and running out of memory', async () => {
  const id = await engine.start({ Cmd: ['cat'], Tty: true, OpenStdin: true });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
  await engine.expect(200, 'POST', `/containers/${id}/resize?h=20&w=60`);
  await engine.exec(id, ['true']);
  attached.close();
  const seen = await past({ container: [id] });
  const named = seen.map(({ Action }) => Action);
  for (const action of ['attach', 'resize', 'exec_create: true ', 'exec_start: true ', 'exec_die'])
    assert.ok(named.includes(action), `${action} in ${named.join()}`);
  const die = seen.find(({ Action }) => Action === 'exec_die');
  assert.equal(die?.Actor.Attributes.exitCode, '0');
  assert.match(die?.Actor.Attributes.execID ?? '', /^[0-9a-f]{64}$/);
  const resize = seen.find(({ Action }) => Action === 'resize');
  assert.deepEqual([resize?.Actor.Attributes.height, resize?.Actor.Attributes.width], ['20', '60']);

  const limit = 16 * 1024 * 1024;
  const hungry = await engine.run({ Cmd: ['tail', '/dev/zero'], HostConfig: { Memory: limit, MemorySwap: limit } });
  assert.ok((await actions({ container: [hungry.id] })).includes('container oom'));
});

test('networks connect before the start and disconnect after the end', async () => {
  const name = engine.unique('net');
  const { Id } = (await engine.expect(201, 'POST', '/networks/create', { Name: name, Labels: engine.labels })).json();
  const id = await engine.start({ HostConfig: { NetworkMode: name } });
  await engine.remove(id);
  await engine.expect(204, 'DELETE', `/networks/${name}`);
  const events = await past({ network: [String(Id)] });
  assert.deepEqual(
    events.map(({ Action }) => Action),
    ['create', 'connect', 'disconnect', 'destroy'],
  );
  const [create, connect] = events;
  assert.deepEqual(
    [create?.Type, create?.Actor.Attributes.name, create?.Actor.Attributes.type],
    ['network', name, 'bridge'],
  );
  assert.equal(connect?.Actor.Attributes.container, id);
});

test('volumes', async () => {
  const name = engine.unique('volume');
  await engine.expect(201, 'POST', '/volumes/create', { Name: name, Labels: engine.labels });
  const { id } = await engine.run({ Cmd: 'true', HostConfig: { Binds: [`${name}:/v`] } });
  await engine.remove(id);
  await engine.expect(204, 'DELETE', `/volumes/${name}`);
  assert.deepEqual(await actions({ volume: [name] }), [
    'volume create',
    'volume mount',
    'volume unmount',
    'volume destroy',
  ]);
});

test('images', async () => {
  const tag = `${engine.unique('image')}:1`;
  const image = uniqueImage(tag, tag);
  await engine.load(image);
  await engine.expect(201, 'POST', `/images/${tag}/tag?repo=${tag.replace(':1', '')}&tag=2`);
  await engine.expect(200, 'DELETE', `/images/${tag}`);
  await engine.expect(200, 'DELETE', `/images/${tag.replace(':1', ':2')}`);
  const events = (await past({ type: ['image'] })).filter(({ Actor }) => Actor.ID === image.id);
  assert.deepEqual(
    events.map(({ Action }) => Action),
    ['load', 'tag', 'untag', 'untag', 'delete'],
  );
  assert.equal(events[1]?.Actor.Attributes.name, tag.replace(':1', ':2'));
});

test('a subscription gets events as they happen, and until ends it', async () => {
  const events = await engine.stream('GET', query({ label: [`suite=${engine.suite}`], event: ['create', 'die'] }));
  const { id } = await engine.run({ Cmd: 'exit 2' });
  await events.received.until((it) => it.lines<EventMessage>().some(({ Action }) => Action === 'die'));
  const seen = events.received.lines<EventMessage>().filter(({ Actor }) => Actor.ID === id);
  assert.deepEqual(
    seen.map(({ Action }) => Action),
    ['create', 'die'],
  );
  events.close();
  const soon = Math.floor(Date.now() / 1000) + 1;
  const ending = await engine.stream('GET', `/events?until=${soon}`);
  await ending.received.end();
});

test('what is refused', async () => {
  const since = await engine.http('GET', '/events?since=x&until=1');
  assert.deepEqual([since.status, since.message], [500, 'strconv.ParseInt: parsing "x": invalid syntax']);
  const order = await engine.http('GET', '/events?since=20&until=10');
  assert.deepEqual([order.status, order.message], [400, '`since` time (20) cannot be after `until` time (10)']);
});
