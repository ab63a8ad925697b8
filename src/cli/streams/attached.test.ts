import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runAttached } from './attached.ts';

test('a stream that ended before anybody listened is at its end', { timeout: 5000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-attached-'));
  const server = createServer((peer) => peer.end());
  try {
    server.listen(join(directory, 'socket'));
    await once(server, 'listening');
    const socket = connect(join(directory, 'socket'));
    await once(socket, 'close', { signal: AbortSignal.timeout(1000) }).catch(() => socket.pause());
    const ending = await runAttached({
      connection: { socket, head: Buffer.alloc(0) },
      tty: false,
      input: false,
      output: true,
      detachKeys: Buffer.alloc(0),
      sink: { out: () => {}, error: () => {} },
    });
    assert.equal(ending, 'ended');
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});
