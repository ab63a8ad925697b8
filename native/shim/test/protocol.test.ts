/** The two statements of the protocol agree, and bad clients harm only themselves. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import * as contract from '../../../src/contract/shim.ts';
import { connectShim } from '../../../src/runtime/shim-client.ts';
import { encodeFrame, encodeUint32 } from '../../../src/runtime/shim-frames.ts';
import { Laboratory, type TestContainer } from './harness.ts';

const LIMIT = { timeout: 30_000 };

test('protocol.h and src/contract/shim.ts state the same numbers', async () => {
  const header = await readFile(join(import.meta.dirname, '../source/protocol.h'), 'utf8');
  const numbers = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      [...header.matchAll(new RegExp(`\\b${prefix}_(\\w+) = (\\d+),`, 'g'))].map(([, name, value]) => [name, Number(value)]),
    );
  assert.deepEqual(numbers('REQUEST'), contract.ShimRequest);
  assert.deepEqual(numbers('REPLY'), contract.ShimReply);
  assert.deepEqual(numbers('STREAM'), contract.ShimStream);
  assert.deepEqual(
    numbers('PHASE'),
    Object.fromEntries(contract.SHIM_PHASES.map((phase, index) => [phase.toUpperCase(), index])),
  );
  assert.equal(numbers('PROTOCOL')['VERSION'], contract.SHIM_PROTOCOL_VERSION);
  assert.equal(numbers('HEADER')['SIZE'], contract.SHIM_HEADER_SIZE);
});

let laboratory: Laboratory;
let container: TestContainer;
before(async () => {
  laboratory = await Laboratory.open();
  container = await laboratory.container({ command: ['cat'], stdin: true });
  await container.engine.start();
});
after(async () => {
  await laboratory[Symbol.asyncDispose]();
});

async function rawConnection(): Promise<Socket> {
  process.chdir(container.directory);
  const socket = connect('shim.sock');
  process.chdir('/');
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

const hello = encodeFrame(contract.ShimRequest.HELLO, 0, encodeUint32(1));
const bad: Record<string, Buffer> = {
  'no hello': encodeFrame(contract.ShimRequest.STATE),
  'a short hello': encodeFrame(contract.ShimRequest.HELLO, 0, Buffer.alloc(3)),
  'an unknown request': Buffer.concat([hello, encodeFrame(99)]),
  "the shim's own words": Buffer.concat([hello, encodeFrame(contract.ShimReply.EXIT, 0, Buffer.alloc(16))]),
  'a payload too long': Buffer.concat([hello, encodeFrame(contract.ShimRequest.STDIN, 0, Buffer.alloc(65537))]),
  'a length beyond reason': Buffer.from([1, 0, 0, 0, 255, 255, 255, 255]),
  'reserved bits': Buffer.from([1, 0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0]),
  'unknown flags': Buffer.concat([hello, encodeFrame(contract.ShimRequest.ATTACH, 8)]),
};

for (const [what, bytes] of Object.entries(bad)) {
  test(`${what} ends that connection only`, LIMIT, async () => {
    const socket = await rawConnection();
    socket.on('error', () => {});
    socket.resume();
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    assert.equal((await container.engine.state()).phase, 'running');
  });
}

test('frames may come in single bytes, and with payloads longer than this version knows', LIMIT, async () => {
  const socket = await rawConnection();
  const longHello = encodeFrame(contract.ShimRequest.HELLO, 0, Buffer.concat([encodeUint32(7), Buffer.alloc(20)]));
  const received: Buffer[] = [];
  const two = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      if (Buffer.concat(received).length >= 8 + 28 + 8 + 24) resolve();
    });
  });
  socket.setNoDelay(true);
  for (const byte of Buffer.concat([longHello, encodeFrame(contract.ShimRequest.STATE)])) {
    await new Promise<void>((resolve) => socket.write(Buffer.of(byte), () => resolve()));
  }
  await two;
  const answer = Buffer.concat(received);
  assert.equal(answer[0], contract.ShimReply.HELLO);
  assert.equal(answer[8 + 28], contract.ShimReply.STATE);
  socket.destroy();
});

test('many clients come and go without a trace', LIMIT, async () => {
  const { shimPid } = await container.engine.state();
  const { readdir } = await import('node:fs/promises');
  const before = (await readdir(`/proc/${shimPid}/fd`)).length;
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connectShim(container.directory)));
    await Promise.all(clients.map((client) => client.attach({ stdout: true, stdin: true })));
    for (const client of clients) client.close();
  }
  // One round trip after the last close: the shim has seen them all.
  await container.engine.state();
  assert.equal((await readdir(`/proc/${shimPid}/fd`)).length, before);
});
