import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('a network in use stays until its containers are gone', async () => {
  const name = engine.unique('net');
  const { Id } = (await engine.expect(201, 'POST', '/networks/create', { Name: name, Labels: engine.labels })).json();
  const container = engine.unique('user');
  const id = await engine.start({ HostConfig: { NetworkMode: name } }, container);
  const endpoint = (await engine.inspect(id)).NetworkSettings.Networks[name]?.EndpointID;
  const answer = await engine.http('DELETE', `/networks/${name}`);
  assert.equal(answer.status, 403);
  assert.equal(
    answer.message,
    `error while removing network: network ${name} has active endpoints (name:"${container}" id:"${endpoint?.slice(0, 12)}")`,
  );
  await engine.remove(id);
  await engine.expect(204, 'DELETE', `/networks/${name}`);
  const missing = await engine.http('GET', `/networks/${Id}`);
  assert.deepEqual([missing.status, missing.message], [404, `network ${Id} not found`]);
});

test('what is refused', async () => {
  const expected: readonly (readonly [string, number, string])[] = [
    ['nope', 404, 'network nope not found'],
    ['bridge', 403, 'bridge is a pre-defined network and cannot be removed'],
    ['host', 403, 'host is a pre-defined network and cannot be removed'],
    ['none', 403, 'none is a pre-defined network and cannot be removed'],
  ];
  for (const [name, status, message] of expected) {
    const answer = await engine.http('DELETE', `/networks/${name}`);
    assert.deepEqual([answer.status, answer.message], [status, message]);
  }
});
