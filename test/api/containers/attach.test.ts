import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frames, suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

const INTERACTIVE = { OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true };
const EVERYTHING = 'stream=1&stdin=1&stdout=1&stderr=1';

test('attached before the start, it sees all output in frames and ends with the container', async () => {
  const id = await engine.create({ Cmd: 'echo out; echo err >&2; exit 3' });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?stream=1&stdout=1&stderr=1`);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  await attached.received.end();
  assert.deepEqual(attached.received.output, { stdout: 'out\n', stderr: 'err\n' });
  assert.ok(frames(attached.received.bytes).length >= 2);
});

test('with the upgrade header the answer is 101 and names the multiplexed stream', async () => {
  const id = await engine.start();
  const attached = await engine.hijack('POST', `/containers/${id}/attach?stream=1&stdout=1`);
  assert.equal(attached.status, 101);
  assert.match(attached.head, /^HTTP\/1\.1 101 UPGRADED/i);
  assert.match(attached.head, /^Connection: Upgrade$/im);
  assert.match(attached.head, /^Upgrade: tcp$/im);
  assert.match(attached.head, /^Content-Type: application\/vnd\.docker\.multiplexed-stream$/im);
  attached.close();
});

test('without it the answer is 200 and the connection is a stream all the same', async () => {
  const id = await engine.create({ Cmd: 'cat', ...INTERACTIVE });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?${EVERYTHING}`, { upgrade: false });
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  assert.equal(attached.status, 200);
  assert.match(attached.head, /^Content-Type: application\/vnd\.docker\.raw-stream$/im);
  attached.write('over\n');
  attached.endInput();
  await attached.received.end();
  assert.deepEqual(attached.received.output, { stdout: 'over\n', stderr: '' });
});

test('before API 1.42 the type of an upgraded stream is always raw-stream', async () => {
  const id = await engine.start();
  const attached = await engine.hijack('POST', `/v1.41/containers/${id}/attach?stream=1&stdout=1`);
  assert.match(attached.head, /^Content-Type: application\/vnd\.docker\.raw-stream$/im);
  attached.close();
});

test('closing only the input ends the container’s input, its output still arrives', async () => {
  const id = await engine.create({ Cmd: 'cat; echo done', ...INTERACTIVE });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?${EVERYTHING}`);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  attached.write('one\ntwo\n');
  attached.endInput();
  await attached.received.end();
  assert.equal(attached.received.output.stdout, 'one\ntwo\ndone\n');
  assert.equal(await engine.wait(id), 0);
});

test('a megabyte goes through unchanged', async () => {
  const id = await engine.create({ Cmd: 'sha256sum; echo "$(head -c 1048576 /dev/zero | wc -c)"', ...INTERACTIVE });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?${EVERYTHING}`);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  attached.write(Buffer.alloc(1024 * 1024));
  attached.endInput();
  await attached.received.end();
  // The SHA-256 of 2^20 zero bytes.
  const expected = '30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58  -\n1048576\n';
  assert.equal(attached.received.output.stdout, expected);
});

test('a large output arrives whole and in order', async () => {
  const id = await engine.create({ Cmd: 'seq 200000' });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?stream=1&stdout=1`);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  await attached.received.end();
  const lines = attached.received.output.stdout.split('\n');
  assert.deepEqual([lines.length, lines[0], lines[123_455], lines[199_999]], [200_001, '1', '123456', '200000']);
});

test('several clients see the same output', async () => {
  const id = await engine.create({ Cmd: 'cat', ...INTERACTIVE, StdinOnce: false });
  const clients = await Promise.all(
    [1, 2, 3].map(() => engine.hijack('POST', `/containers/${id}/attach?${EVERYTHING}`)),
  );
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  clients[0]?.write('shared\n');
  for (const client of clients) {
    await client.received.until(({ output }) => output.stdout === 'shared\n');
    client.close();
  }
});

test('a terminal’s stream is raw', async () => {
  const id = await engine.create({ Cmd: 'read line; echo "<$line>"', Tty: true, ...INTERACTIVE });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?${EVERYTHING}`);
  assert.match(attached.head, /^Content-Type: application\/vnd\.docker\.raw-stream$/im);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  attached.write('typed\n');
  await attached.received.end();
  assert.equal(attached.received.text, 'typed\r\n<typed>\r\n');
});

test('a terminal has the size it was created with and is told of changes', async () => {
  const id = await engine.create({
    Cmd: 'trap "stty size; exit" WINCH; stty size; while :; do sleep 0.1; done',
    Tty: true,
    ...INTERACTIVE,
    HostConfig: { ConsoleSize: [30, 100] },
  });
  const attached = await engine.hijack('POST', `/containers/${id}/attach?${EVERYTHING}`);
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  await attached.received.contains('30 100\r\n');
  await engine.expect(200, 'POST', `/containers/${id}/resize?h=41&w=111`);
  await attached.received.contains('41 111\r\n');
  attached.close();
});

test('the detach keys end the connection and leave the container running', async () => {
  const id = await engine.start({ Cmd: 'cat', Tty: true, ...INTERACTIVE, StdinOnce: false });
  for (const [query, keys] of [
    ['', '\x10\x11'],
    ['&detachKeys=ctrl-x,y', '\x18y'],
  ]) {
    const attached = await engine.hijack('POST', `/containers/${id}/attach?${EVERYTHING}${query}`);
    attached.write('a\n');
    await attached.received.contains('a\r\na\r\n');
    attached.write(keys ?? '');
    await attached.received.end();
    attached.close();
  }
  assert.equal((await engine.inspect(id)).State.Running, true);
});

test('logs=1 gives what was written before', async () => {
  const id = await engine.start({ Cmd: 'echo early; echo late >&2; sleep 100' });
  const log = await engine.stream('GET', `/containers/${id}/logs?follow=1&stdout=1&stderr=1`);
  await log.received.until(({ output }) => output.stderr === 'late\n');
  log.close();
  const attached = await engine.hijack('POST', `/containers/${id}/attach?logs=1&stdout=1&stderr=1`);
  await attached.received.until(({ output }) => output.stdout === 'early\n' && output.stderr === 'late\n');
  attached.close();
});

test('what is refused', async () => {
  const missing = await engine.http('POST', '/containers/nope/attach?stream=1&stdout=1');
  assert.deepEqual([missing.status, missing.text], [404, 'No such container: nope\r\n']);
  assert.equal(missing.headers['content-type'], 'application/vnd.docker.raw-stream');
  const id = await engine.start();
  const keys = await engine.http('POST', `/containers/${id}/attach?stream=1&detachKeys=nope-x`);
  assert.deepEqual([keys.status, keys.text], [400, 'Invalid detach keys (nope-x) provided\r\n']);
  await engine.expect(204, 'POST', `/containers/${id}/pause`);
  const paused = await engine.http('POST', `/containers/${id}/attach?stream=1&stdout=1`);
  assert.equal(paused.status, 409);
  assert.match(paused.text, /is paused, unpause the container before attach/);
  await engine.expect(204, 'POST', `/containers/${id}/unpause`);
});
