import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { suiteEngine } from '../../harness/index.ts';

const engine = await suiteEngine();

const BOTH = 'stdout=1&stderr=1';
const { id: five } = await engine.run({ Cmd: 'for i in 1 2 3 4 5; do echo line $i; sleep 0.02; done; echo error >&2' });

/** Time of the n-th line of the container `five`, as the log has it. */
async function timeOf(line: number): Promise<string> {
  const { stdout } = await engine.logs(five, false, 'stdout=1&timestamps=1');
  return stdout.split('\n')[line - 1]?.split(' ')[0] ?? '';
}

/** Nanosecond precision, as `since` takes it. */
function seconds(timestamp: string): string {
  const fraction = (/\.(\d+)Z$/.exec(timestamp)?.[1] ?? '').padEnd(9, '0');
  return `${Math.floor(Date.parse(timestamp) / 1000)}.${fraction}`;
}

test('both streams, or one of them', async () => {
  const stdout = 'line 1\nline 2\nline 3\nline 4\nline 5\n';
  assert.deepEqual(await engine.logs(five), { stdout, stderr: 'error\n' });
  assert.deepEqual(await engine.logs(five, false, 'stdout=1'), { stdout, stderr: '' });
  assert.deepEqual(await engine.logs(five, false, 'stderr=1'), { stdout: '', stderr: 'error\n' });
});

test('the content type says how the stream is framed', async () => {
  const plain = await engine.http('GET', `/containers/${five}/logs?${BOTH}`);
  assert.equal(plain.headers['content-type'], 'application/vnd.docker.multiplexed-stream');
  const { id } = await engine.run({ Cmd: 'echo raw', Tty: true });
  const terminal = await engine.http('GET', `/containers/${id}/logs?${BOTH}`);
  assert.deepEqual([terminal.headers['content-type'], terminal.text], ['application/vnd.docker.raw-stream', 'raw\r\n']);
});

/** `tail` and the lines of standard output it leaves. */
const tails: readonly (readonly [string, number])[] = [
  ['all', 5],
  ['0', 0],
  ['1', 0],
  ['3', 2],
  ['100', 5],
  ['-1', 5],
  ['x', 5],
];

for (const [tail, count] of tails)
  test(`tail=${tail}`, async () => {
    const { stdout, stderr } = await engine.logs(five, false, `${BOTH}&tail=${tail}`);
    assert.equal(
      stdout,
      [1, 2, 3, 4, 5]
        .slice(5 - count)
        .map((line) => `line ${line}\n`)
        .join(''),
    );
    assert.equal(stderr, tail === '0' ? '' : 'error\n');
  });

test('timestamps have nine digits of fraction and never go back', async () => {
  const { stdout } = await engine.logs(five, false, 'stdout=1&timestamps=1');
  const lines = stdout.trim().split('\n');
  for (const [index, line] of lines.entries())
    assert.match(line, new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z line ${index + 1}$`));
  assert.deepEqual([...lines].sort(), lines);
});

test('since and until take times with fractions', async () => {
  const [third, fourth] = [await timeOf(3), await timeOf(4)];
  const since = await engine.logs(five, false, `stdout=1&since=${seconds(third)}`);
  assert.equal(since.stdout, 'line 3\nline 4\nline 5\n');
  const until = await engine.logs(five, false, `stdout=1&until=${seconds(third)}`);
  assert.equal(until.stdout, 'line 1\nline 2\nline 3\n');
  const between = await engine.logs(five, false, `stdout=1&since=${seconds(third)}&until=${seconds(fourth)}`);
  assert.equal(between.stdout, 'line 3\nline 4\n');
});

test('tail counts from the end of the log, whatever until cuts off', async () => {
  const until = `until=${seconds(await timeOf(4))}`;
  assert.equal((await engine.logs(five, false, `stdout=1&tail=2&${until}`)).stdout, '');
  assert.equal((await engine.logs(five, false, `stdout=1&tail=4&${until}`)).stdout, 'line 3\nline 4\n');
});

test('follow gives each line as it is written and ends with the container', async () => {
  const id = await engine.start({ Cmd: 'echo first; while ! test -e /go; do sleep 0.02; done; echo second' });
  const log = await engine.stream('GET', `/containers/${id}/logs?follow=1&${BOTH}`);
  await log.received.until(({ output }) => output.stdout === 'first\n');
  await engine.exec(id, 'touch /go');
  await log.received.end();
  assert.equal(log.received.output.stdout, 'first\nsecond\n');
});

test('follow with tail=0 gives new lines only', async () => {
  const id = await engine.start({ Cmd: 'echo old; while ! test -e /go; do sleep 0.02; done; echo new' });
  await engine.logs(id);
  const all = await engine.stream('GET', `/containers/${id}/logs?follow=1&${BOTH}`);
  await all.received.until(({ output }) => output.stdout === 'old\n');
  const fresh = await engine.stream('GET', `/containers/${id}/logs?follow=1&tail=0&${BOTH}`);
  await engine.exec(id, 'touch /go');
  await fresh.received.end();
  assert.equal(fresh.received.output.stdout, 'new\n');
});

test('follow of an exited container ends at once', async () => {
  const log = await engine.stream('GET', `/containers/${five}/logs?follow=1&${BOTH}`);
  await log.received.end();
  assert.equal(log.received.output.stderr, 'error\n');
});

test('a last line without its end is kept', async () => {
  const { stdout } = await engine.run({ Cmd: 'printf "no end"' });
  assert.equal(stdout, 'no end');
});

test('a line longer than any buffer comes back whole', async () => {
  const { stdout } = await engine.run({ Cmd: 'head -c 100000 /dev/zero | tr "\\0" x; echo' });
  assert.equal(stdout, `${'x'.repeat(100_000)}\n`);
});

test('bytes that are not text become replacement characters', async () => {
  const { stdout } = await engine.run({ Cmd: "printf 'a\\377b\\n'" });
  assert.equal(stdout, 'a\uFFFDb\n');
});

test('the file has Docker’s format, long lines in pieces of 16 KiB', async () => {
  const { id } = await engine.run({ Cmd: 'echo "<&>"; head -c 20000 /dev/zero | tr "\\0" x; echo; echo e >&2' });
  const { LogPath } = await engine.inspect(id);
  const lines = readFileSync(engine.path(LogPath), 'utf8').trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as { log: string; stream: string; time: string });
  assert.match(
    lines.find((line) => line.includes('stdout')) ?? '',
    /^\{"log":"\\u003c\\u0026\\u003e\\n","stream":"stdout","time":"[^"]+Z"\}$/,
  );
  const summary = records.map(({ log, stream }) => [stream, log.length, log.endsWith('\n')]);
  assert.deepEqual(
    summary.filter(([stream]) => stream === 'stdout'),
    [
      ['stdout', 4, true],
      ['stdout', 16_384, false],
      ['stdout', 3617, true],
    ],
  );
});

test('rotation keeps max-file files of max-size, compressed when asked, and reads across them', async () => {
  const LogConfig = { Type: 'json-file', Config: { 'max-size': '10k', 'max-file': '3', compress: 'true' } };
  const { id, stdout } = await engine.run({
    Cmd: 'for i in $(seq 500); do echo "line number $i"; done',
    HostConfig: { LogConfig },
  });
  const path = engine.path((await engine.inspect(id)).LogPath);
  const names = readdirSync(dirname(path)).filter((name) => name.includes('-json.log'));
  assert.deepEqual(names.sort(), [`${id}-json.log`, `${id}-json.log.1.gz`, `${id}-json.log.2.gz`]);
  const older = gunzipSync(readFileSync(`${path}.1.gz`)).toString();
  assert.match(older, /^\{"log":"line number \d+\\n"/);
  assert.ok(older.length >= 10_000 && older.length < 10_200, `${older.length} bytes`);
  assert.ok(readFileSync(path).length <= 10_200);
  const numbers = stdout
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[2]));
  const first = numbers[0] ?? 0;
  assert.ok(first > 1 && first < 500);
  assert.deepEqual(
    numbers,
    Array.from({ length: 501 - first }, (_, index) => first + index),
  );
});

test('following across a rotation loses nothing', async () => {
  const LogConfig = { Type: 'json-file', Config: { 'max-size': '20k', 'max-file': '5' } };
  const id = await engine.create({
    Cmd: 'for i in $(seq 600); do echo "line $i"; [ $((i % 50)) = 0 ] && sleep 0.05; done; true',
    HostConfig: { LogConfig },
  });
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  const log = await engine.stream('GET', `/containers/${id}/logs?follow=1&stdout=1`);
  await log.received.end();
  assert.equal(log.received.output.stdout, Array.from({ length: 600 }, (_, index) => `line ${index + 1}\n`).join(''));
});

test('driver none keeps nothing and says so', async () => {
  const id = await engine.create({ Cmd: 'echo lost', HostConfig: { LogConfig: { Type: 'none', Config: {} } } });
  await engine.expect(204, 'POST', `/containers/${id}/start`);
  await engine.wait(id);
  const answer = await engine.http('GET', `/containers/${id}/logs?${BOTH}`);
  assert.deepEqual([answer.status, answer.message], [501, 'configured logging driver does not support reading']);
  assert.equal((await engine.inspect(id)).LogPath, '');
});

test('a container that never ran has an empty log', async () => {
  assert.deepEqual(await engine.logs(await engine.create()), { stdout: '', stderr: '' });
});

test('what is refused', async () => {
  const none = await engine.http('GET', `/containers/${five}/logs`);
  assert.deepEqual([none.status, none.message], [400, 'Bad parameters: you must choose at least one stream']);
  const missing = await engine.http('GET', '/containers/nope/logs?stdout=1');
  assert.deepEqual([missing.status, missing.message], [404, 'No such container: nope']);
  for (const field of ['since', 'until']) {
    const answer = await engine.http('GET', `/containers/${five}/logs?stdout=1&${field}=x`);
    assert.deepEqual([answer.status, answer.message], [500, 'strconv.ParseInt: parsing "x": invalid syntax']);
  }
});
