import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

test('the new name works, the old one is free', async () => {
  const [before, after] = [engine.unique('before'), engine.unique('after')];
  const id = await engine.start({}, before);
  await engine.expect(204, 'POST', `/containers/${before}/rename?name=${after}`);
  assert.deepEqual([(await engine.inspect(after)).Id, (await engine.inspect(id)).Name], [id, `/${after}`]);
  assert.equal((await engine.http('GET', `/containers/${before}/json`)).status, 404);
  await engine.create({}, before);
});

test('what is refused', async () => {
  const [name, other] = [engine.unique('name'), engine.unique('other')];
  await engine.create({}, name);
  const owner = await engine.create({}, other);
  const expected: readonly (readonly [string, number, string])[] = [
    ['nope/rename?name=xx', 404, 'No such container: nope'],
    [
      `${name}/rename?name=${other}`,
      409,
      `Error when allocating new name: Conflict. The container name "/${other}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
    ],
    [`${name}/rename?name=${name}`, 400, 'Renaming a container with the same name as its current name'],
    [`${name}/rename`, 400, 'Neither old nor new names may be empty'],
    [`${name}/rename?name=`, 400, 'Neither old nor new names may be empty'],
    [
      `${name}/rename?name=-x`,
      400,
      'Error when allocating new name: Invalid container name (/-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed',
    ],
  ];
  for (const [path, status, message] of expected) {
    const answer = await engine.http('POST', `/containers/${path}`);
    assert.deepEqual([answer.status, answer.message], [status, message]);
  }
  assert.equal((await engine.inspect(name)).Name, `/${name}`);
});
