import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ShimReply, ShimRequest, ShimStream } from '../contract/shim.ts';
import {
  connectShim,
  readExitRecord,
  readProcessId,
  runtimeMessage,
  ShimConnection,
  ShimStartError,
  shimArguments,
} from './shim-client.ts';
import { encodeFrame, encodeUint32 } from './shim-frames.ts';

/** The other end of a connection, spoken by the test byte for byte. The real shim is tested in native/shim/test. */
interface FakeShim {
  readonly socket: Socket;
  readonly received: () => Buffer;
  until(bytes: number): Promise<void>;
}

const HELLO_LENGTH = 12;
let directory: string;
let server: Server;
let peers: FakeShim[];

function fakeShim(socket: Socket): FakeShim {
  let received = Buffer.alloc(0);
  const waiting = new Set<() => void>();
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (const check of waiting) check();
  });
  const until = (bytes: number) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (received.length < bytes) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { socket, received: () => received, until };
}

function state(phase: number, pid: number): Buffer {
  const payload = Buffer.alloc(24);
  payload[0] = phase;
  payload.writeInt32LE(pid, 4);
  payload.writeInt32LE(4321, 8);
  return payload;
}

function exitFrame(code: number, at: bigint): Buffer {
  const payload = Buffer.alloc(16);
  payload.writeInt32LE(code, 0);
  payload.writeBigInt64LE(at, 8);
  return encodeFrame(ShimReply.EXIT, 0, payload);
}

const output = (stream: number, text: string) => encodeFrame(ShimReply.OUTPUT, stream, Buffer.from(text));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shim-client-'));
  peers = [];
  server = createServer((socket) => peers.push(fakeShim(socket)));
  await new Promise<void>((resolve) => server.listen(join(directory, 'shim.sock'), resolve));
});

afterEach(async () => {
  for (const { socket } of peers) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

async function openPair(phase = 0, pid = 0): Promise<{ connection: ShimConnection; shim: FakeShim }> {
  const socket = connect(join(directory, 'shim.sock'));
  server.once('connection', (peer: Socket) => {
    peer.write(encodeFrame(ShimReply.HELLO, 0, Buffer.concat([encodeUint32(1), state(phase, pid)])));
  });
  const connection = await ShimConnection.open(socket, directory);
  const shim = peers.at(-1);
  assert.ok(shim);
  return { connection, shim };
}

test('start resolves with the pid, and rejects with what the runtime said', async () => {
  const { connection, shim } = await openPair();
  const started = connection.start();
  await shim.until(HELLO_LENGTH + 8);
  assert.equal(shim.received()[HELLO_LENGTH], ShimRequest.START);
  shim.socket.write(encodeFrame(ShimReply.STARTED, 0, encodeUint32(77)));
  assert.deepEqual(await started, { pid: 77 });

  const other = await openPair();
  const failed = other.connection.start();
  const log = '{"level":"warning","msg":"w"}\n{"level":"error","msg":"no such \\"thing\\""}\n';
  other.shim.socket.write(
    encodeFrame(ShimReply.FAILED, 0, Buffer.concat([encodeUint32(0xffffffff), Buffer.from(log)])),
  );
  await assert.rejects(failed, (error) => {
    assert.ok(error instanceof ShimStartError);
    assert.deepEqual([error.status, error.message, error.kind], [-1, 'no such "thing"', 'system']);
    return true;
  });
  await assert.rejects(other.connection.exited, ShimStartError);
});

test('output arrives in order however it is cut, and the exit after it', async () => {
  const { connection, shim } = await openPair(2, 9);
  assert.deepEqual(await connection.started, { pid: 9 });
  const seen: string[] = [];
  const attached = connection.attach({ stdout: true, stderr: true }, (stream, data) => {
    seen.push(`${stream}:${data}`);
  });
  const stream = Buffer.concat([
    encodeFrame(ShimReply.ATTACHED),
    output(ShimStream.STDOUT, 'abc'),
    output(ShimStream.STDERR, 'x'),
    exitFrame(137, 1763690000123456789n),
  ]);
  for (const byte of stream) shim.socket.write(Buffer.of(byte));
  await attached;
  assert.deepEqual(await connection.exited, { code: 137, at: 1763690000123456789n, oomKilled: false });
  assert.equal(seen.join(' ').replace(/ stdout:/g, ''), 'stdout:abc stderr:x');
});

test('a listener that returns a promise gets nothing more until it is settled, even past the end', async () => {
  const { connection, shim } = await openPair(2, 9);
  const gates: (() => void)[] = [];
  const seen: string[] = [];
  const attached = connection.attach({ stdout: true }, (_stream, data) => {
    seen.push(data.toString());
    return new Promise<void>((resolve) => gates.push(resolve));
  });
  shim.socket.end(
    Buffer.concat([encodeFrame(ShimReply.ATTACHED), output(1, 'one'), output(1, 'two'), exitFrame(0, 1n)]),
  );
  await attached;
  assert.deepEqual(seen, ['one']);
  gates.shift()?.();
  await new Promise(setImmediate);
  assert.deepEqual(seen, ['one', 'two']);
  gates.shift()?.();
  assert.equal((await connection.exited).code, 0);
});

test('input is framed in pieces the shim accepts', async () => {
  const { connection, shim } = await openPair(2, 9);
  const attaching = connection.attach({ stdin: true });
  shim.socket.write(encodeFrame(ShimReply.ATTACHED));
  const attached = await attaching;
  await attached.writeStdin(Buffer.alloc(100_000, 'i'));
  attached.closeStdin();
  const before = HELLO_LENGTH + 8;
  await shim.until(before + 8 + 65_536 + 8 + 34_464 + 8);
  const second = before + 8 + 65_536;
  assert.equal(shim.received().readUInt32LE(before + 4), 65_536);
  assert.equal(shim.received()[second], ShimRequest.STDIN);
  assert.equal(shim.received().readUInt32LE(second + 4), 34_464);
  assert.equal(shim.received().at(-8), ShimRequest.CLOSE_STDIN);
});

test('signals, states and the memory notice', async () => {
  const { connection, shim } = await openPair(2, 9);
  const answers = [connection.signal(15), connection.signal(9)];
  const asked = connection.state();
  let notices = 0;
  connection.onOom(() => notices++);
  shim.socket.write(
    Buffer.concat([
      encodeFrame(ShimReply.SIGNALLED, 0, encodeUint32(0)),
      encodeFrame(ShimReply.OOM),
      encodeFrame(ShimReply.SIGNALLED, 0, encodeUint32(3)),
      encodeFrame(ShimReply.STATE, 0, state(3, 9)),
    ]),
  );
  assert.deepEqual(await Promise.all(answers), [true, false]);
  assert.deepEqual([(await asked).phase, (await asked).shimPid], ['draining', 4321]);
  connection.onOom(() => notices++);
  assert.equal(notices, 2);
});

test('a lost connection ends what is waited for; the exit record speaks for the shim', async () => {
  const { connection, shim } = await openPair(2, 9);
  const asked = connection.state();
  shim.socket.destroy();
  await assert.rejects(asked, /connection to the shim was lost/);
  await assert.rejects(connection.exited, /connection to the shim was lost/);
  await assert.rejects(connection.signal(9), /connection to the shim was lost/);

  await writeFile(join(directory, 'exit'), '{"version":1,"code":3,"at":"17","oomKilled":true}\n');
  const other = await openPair(2, 9);
  other.shim.socket.destroy();
  assert.deepEqual(await other.connection.exited, { code: 3, at: 17n, oomKilled: true });
});

test('connectShim and the records tell an absent shim from a present one', async () => {
  server.once('connection', (peer: Socket) => {
    peer.write(encodeFrame(ShimReply.HELLO, 0, Buffer.concat([encodeUint32(1), state(2, 5)])));
  });
  const connection = await connectShim(directory);
  assert.deepEqual(await connection.started, { pid: 5 });
  connection.close();
  const empty = join(directory, 'none');
  await assert.rejects(connectShim(empty), { code: 'ENOENT' });
  assert.equal(await readExitRecord(empty), undefined);
  assert.equal(await readProcessId(empty), undefined);
});

test('runtimeMessage takes the last error, or the text as it is', () => {
  assert.equal(runtimeMessage('cut"}\n{"level":"error","msg":"a"}\n{"level":"error","msg":"b"}\n'), 'b');
  assert.equal(runtimeMessage(' plain words\n'), 'plain words');
});

test('shimArguments spells every setting', () => {
  const settings = {
    directory: '/d',
    runtime: { path: '/runc', root: '/root', arguments: ['--systemd-cgroup'] },
    container: 'c',
    process: { exec: '/p.json' },
    terminal: true,
    stdin: true,
    stdinOnce: true,
    log: {
      driver: 'json-file',
      path: '/l',
      maximumSize: 5,
      maximumFiles: 2,
      compress: true,
      attributes: { b: '<', a: '' },
    },
    cgroup: { version: 2, path: '/cg' },
  } as const;
  assert.equal(
    shimArguments(settings).join(' '),
    '--directory /d --runtime /runc --container c --runtime-root /root --runtime-argument --systemd-cgroup --exec /p.json ' +
      '--terminal --stdin --stdin-once --log-driver json-file --log-path /l --log-max-size 5 --log-max-file 2 ' +
      '--log-compress --log-attributes {"a":"","b":"\\u003c"} --cgroup-v2 /cg',
  );
  assert.deepEqual(
    shimArguments({ ...settings, terminal: false, stdin: false, stdinOnce: false, log: { driver: 'none' } }).slice(-4),
    ['--log-driver', 'none', '--cgroup-v2', '/cg'],
  );
});
