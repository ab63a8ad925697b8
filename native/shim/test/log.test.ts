/** The log against dockerd's rules: tricky bytes, rotation, compression, a full disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Laboratory, readLog, type TestContainer } from './harness.ts';

let laboratory: Laboratory;
before(async () => {
  laboratory = await Laboratory.open();
});
after(async () => {
  await laboratory[Symbol.asyncDispose]();
});

const LIMIT = { timeout: 30_000 };

/** The container's log files, newest first, as texts. */
async function logFiles(container: TestContainer): Promise<Map<string, string>> {
  const folder = dirname(container.logPath);
  const name = basename(container.logPath);
  const files = (await readdir(folder)).filter((file) => file.startsWith(name)).sort();
  const read = async (file: string): Promise<[string, string]> => {
    const content = await readFile(join(folder, file));
    return [file.slice(name.length), (file.endsWith('.gz') ? gunzipSync(content) : content).toString()];
  };
  return new Map(await Promise.all(files.map(read)));
}

async function runToEnd(container: TestContainer): Promise<void> {
  await container.engine.start();
  await container.engine.exited;
  await laboratory.left(container);
}

const messages = (text: string): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { log: string }).log);

test('entries are byte for byte what dockerd writes', LIMIT, async () => {
  const script = String.raw`printf 'a"b\\c<&>\tx\001\177\rz\n\303\251\342\200\250\342\200\251\360\237\230\200\n\300\200\355\240\200\364\220\200\200\303(\n\n'`;
  const container = await laboratory.container({
    command: ['sh', '-c', script],
    log: { attributes: { b: '<2>', a: '1' } },
  });
  await runToEnd(container);
  const lines = (await readFile(container.logPath, 'utf8')).split('\n');
  const time = /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,8}[1-9]|\.[1-9])?Z"}$/;
  for (const line of lines.slice(0, -1)) assert.match(line, time);
  const rest = String.raw`,"stream":"stdout","attrs":{"a":"1","b":"\u003c2\u003e"},`;
  assert.deepEqual(
    lines.map((line) => line.replace(time, '')),
    [
      String.raw`{"log":"a\"b\\c\u003c\u0026\u003e\u0009x\u0001` + '\x7f' + String.raw`\rz\n"` + rest,
      String.raw`{"log":"é\u2028\u2029😀\n"` + rest,
      `{"log":"${'\\ufffd'.repeat(2 + 3 + 4 + 1)}(\\n"${rest}`,
      `{"log":"\\n"${rest}`,
      '',
    ],
  );
});

test('files are rotated at their size, and the oldest is dropped', LIMIT, async () => {
  const container = await laboratory.container({
    command: ['seq', '1', '300'],
    log: { maximumSize: 4096, maximumFiles: 3 },
  });
  await runToEnd(container);
  const files = await logFiles(container);
  assert.deepEqual([...files.keys()], ['', '.1', '.2']);
  for (const older of ['.1', '.2']) {
    const text = files.get(older) ?? '';
    const beforeLast = text.length - (text.split('\n').at(-2)?.length ?? 0) - 1;
    assert.ok(text.length >= 4096 && beforeLast < 4096);
  }
  const all = ['.2', '.1', ''].flatMap((file) => messages(files.get(file) ?? ''));
  const first = 301 - all.length;
  assert.deepEqual(all, Array.from({ length: all.length }, (_, index) => `${first + index}\n`));
});

test('with one file, rotation begins it anew', LIMIT, async () => {
  const container = await laboratory.container({ command: ['seq', '1', '300'], log: { maximumSize: 4096 } });
  await runToEnd(container);
  const files = await logFiles(container);
  assert.deepEqual([...files.keys()], ['']);
  assert.equal(messages(files.get('') ?? '').at(-1), '300\n');
});

test('rotated files are compressed, with the last time in the header', LIMIT, async () => {
  const script = 'for i in 1 2 3 4; do seq 1 100; sleep 0.1; done';
  const container = await laboratory.container({
    command: ['sh', '-c', script],
    log: { maximumSize: 5000, maximumFiles: 3, compress: true },
  });
  await runToEnd(container);
  const files = await logFiles(container);
  assert.deepEqual([...files.keys()], ['', '.1.gz', '.2.gz']);
  const compressed = await readFile(`${container.logPath}.1.gz`);
  const extra = compressed.subarray(12, 12 + compressed.readUInt16LE(10)).toString();
  const last = files.get('.1.gz')?.split('\n').at(-2) ?? '';
  assert.deepEqual(JSON.parse(extra), { lastTime: (JSON.parse(last) as { time: string }).time });
});

test('a log is continued, without the half entry that a power cut left', LIMIT, async () => {
  const container = await laboratory.container({ command: ['echo', 'new'] });
  const whole = '{"log":"old\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}\n';
  await writeFile(container.logPath, `${whole}{"log":"ha`);
  await runToEnd(container);
  const content = await readFile(container.logPath, 'utf8');
  assert.ok(content.startsWith(whole));
  assert.deepEqual(messages(content), ['old\n', 'new\n']);
});

test('a log emptied by someone else goes on', LIMIT, async () => {
  const container = await laboratory.container({ command: ['sh', '-c', 'echo one; read line; echo two'], stdin: true });
  const attached = await container.engine.attach({ stdin: true });
  await container.engine.start();
  while ((await stat(container.logPath)).size === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await truncate(container.logPath);
  await attached.writeStdin(Buffer.from('\n'));
  await container.engine.exited;
  assert.deepEqual((await readLog(container.logPath)).map((entry) => entry.log), ['two\n']);
});

test('a full disk neither stops the process nor leaves half an entry; logging goes on when there is room', LIMIT, async () => {
  const disk = join(laboratory.root, 'disk');
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  try {
    const script = 'yes 0123456789 | head -n 5000; echo full; read line; echo room; read line';
    const path = join(disk, 'container.log');
    const container = await laboratory.container({ command: ['sh', '-c', script], stdin: true, log: { path } });
    const attached = await container.engine.attach({ stdin: true });
    let output = '';
    const { promise: full, resolve: isFull } = Promise.withResolvers<void>();
    const { promise: room, resolve: hasRoom } = Promise.withResolvers<void>();
    await container.engine.attach({ stdin: true, stdout: true }, (_stream, data) => {
      output = (output + data.toString()).slice(-32);
      if (output.includes('full')) isFull();
      if (output.includes('room')) hasRoom();
    });
    await container.engine.start();
    await full;
    await container.engine.state();
    const content = await readFile(path, 'utf8');
    assert.ok(content.endsWith('}\n'));
    const count = messages(content).length;
    assert.ok(count > 0 && count < 5000);
    await truncate(path);
    await attached.writeStdin(Buffer.from('\n'));
    await room;
    await attached.writeStdin(Buffer.from('\n'));
    assert.equal((await container.engine.exited).code, 0);
    assert.deepEqual((await readLog(path)).map((entry) => entry.log), ['room\n']);
  } finally {
    execFileSync('umount', ['--lazy', disk]);
  }
});
