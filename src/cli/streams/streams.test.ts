import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DetachScanner, parseDetachKeys } from './detach-keys.ts';
import { FrameSplitter } from './frames.ts';
import { ProgressError, ProgressScreen, progressText } from './progress.ts';

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

function collector() {
  const seen = { out: '', error: '' };
  const sink = {
    out(data: Uint8Array) {
      seen.out += Buffer.from(data).toString();
    },
    error(data: Uint8Array) {
      seen.error += Buffer.from(data).toString();
    },
  };
  return { seen, sink };
}

test('frames are put together however they are cut', () => {
  const bytes = Buffer.concat([frame(1, 'hello '), frame(2, 'bad'), frame(1, ''), frame(1, 'world')]);
  for (const size of [1, 3, 8, 1000]) {
    const { seen, sink } = collector();
    const splitter = new FrameSplitter(sink);
    for (let at = 0; at < bytes.length; at += size) splitter.feed(bytes.subarray(at, at + size));
    assert.deepEqual(seen, { out: 'hello world', error: 'bad' });
  }
});

test('what is no frame is refused, and an error in the stream is thrown', () => {
  const { sink } = collector();
  assert.throws(() => new FrameSplitter(sink).feed(frame(9, 'x')), { message: 'Unrecognized input header: 9' });
  assert.throws(() => new FrameSplitter(sink).feed(frame(3, 'gone')), { message: 'error from daemon in stream: gone' });
});

test('detach keys', () => {
  assert.deepEqual([...parseDetachKeys('ctrl-p,ctrl-q,a,ctrl-@,ctrl-_,DEL')], [16, 17, 97, 0, 31, 127]);
  assert.throws(() => parseDetachKeys('foo'), { message: 'invalid detach keys (foo) provided' });
});

test('the scanner holds back the beginning of the sequence only', () => {
  const scanner = new DetachScanner(Buffer.from('\x10\x11'));
  assert.deepEqual(scanner.feed(Buffer.from('a\x10')), { data: Buffer.from('a'), detached: false });
  assert.deepEqual(scanner.feed(Buffer.from('b')), { data: Buffer.from('\x10b'), detached: false });
  assert.deepEqual(scanner.feed(Buffer.from('\x10\x10')), { data: Buffer.from('\x10'), detached: false });
  assert.deepEqual(scanner.feed(Buffer.from('\x11c')), { data: Buffer.alloc(0), detached: true });
});

function screenOf(columns: number | undefined) {
  const written: string[] = [];
  const screen = new ProgressScreen({
    columns,
    write(piece) {
      written.push(piece);
    },
  });
  return { screen, text: () => written.join('') };
}

test('progress is plain lines without a terminal', () => {
  const { screen, text } = screenOf(undefined);
  screen.show({ id: 'abc', status: 'Pulling fs layer', progressDetail: {} });
  screen.show({ id: 'abc', status: 'Downloading', progressDetail: { current: 1, total: 2 } });
  screen.show({ status: 'Status: done' });
  screen.show({ stream: 'Loaded image: x\n' });
  assert.equal(text(), 'abc: Pulling fs layer\nStatus: done\nLoaded image: x\n');
  assert.throws(() => screen.show({ errorDetail: { message: 'denied' } }), ProgressError);
});

test('progress moves in place on a terminal', () => {
  const { screen, text } = screenOf(80);
  screen.show({ id: 'a', status: 'Waiting', progressDetail: {} });
  screen.show({ id: 'b', status: 'Waiting', progressDetail: {} });
  screen.show({ id: 'a', status: 'Downloading', progressDetail: { current: 5e5, total: 1e6 } });
  assert.equal(text(), 'a: Waiting\nb: Waiting\n\x1b[2A\x1b[2K\ra: Downloading    500kB/1MB\r\x1b[2B');
  assert.equal(progressText({ current: 5, total: 10 }, 120), `[${'='.repeat(25)}>${' '.repeat(25)}]       5B/10B`);
});
