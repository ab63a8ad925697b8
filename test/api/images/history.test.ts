import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageHistoryEntry } from '../../../src/contract/docker/index.ts';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.layered);

test('history, newest first', async () => {
  const history = (await engine.expect(200, 'GET', '/images/layered/history')).json<ImageHistoryEntry[]>();
  assert.deepEqual(
    history.map(({ Id, CreatedBy, Tags, Comment, Created }) => [Id, CreatedBy, Tags, Comment, Created]),
    [
      [engine.images.layered.id, 'layer 2', ['layered:latest'], 'test image', 1_704_067_200],
      ['<missing>', 'layer 1', null, 'test image', 1_704_067_200],
      ['<missing>', 'layer 0', null, 'test image', 1_704_067_200],
    ],
  );
  assert.ok((history[2]?.Size ?? 0) > 1_000_000);
});
