import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressMessage } from '../../../src/contract/docker/index.ts';
import { digest, suiteEngine, tar } from '../../harness/index.ts';

const engine = await suiteEngine();

test('import makes an image of a file system', async () => {
  const repository = engine.unique('imported');
  const archive = tar([{ path: 'hello', content: 'imported' }]);
  const changes = [`CMD ["/bin/x"]`, 'ENV A=b', 'EXPOSE 80/tcp']
    .map((change) => `&changes=${encodeURIComponent(change)}`)
    .join('');
  const answer = await engine.expect(
    200,
    'POST',
    `/images/create?fromSrc=-&repo=${repository}&tag=v1&message=note${changes}`,
    archive,
  );
  const id = answer.lines<ProgressMessage>().at(-1)?.status;
  const image = await engine.inspectImage(`${repository}:v1`);
  assert.equal(image.Id, id);
  assert.deepEqual(image.RootFS.Layers, [digest(archive)]);
  assert.deepEqual(
    [image.Config?.Cmd, image.Config?.Env?.includes('A=b'), image.Config?.ExposedPorts, image.Comment],
    [['/bin/x'], true, { '80/tcp': {} }, 'note'],
  );
  await engine.expect(200, 'DELETE', `/images/${repository}:v1`);
});
