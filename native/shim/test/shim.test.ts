import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { connectShim, readExitRecord, readProcessId, ShimStartError } from '../../../src/runtime/shim-client.ts';
import { Gathered, Laboratory, processEnded, readLog } from './harness.ts';

let laboratory: Laboratory;
before(async () => {
  laboratory = await Laboratory.open();
});
after(async () => {
  await laboratory[Symbol.asyncDispose]();
});

const LIMIT = { timeout: 30_000 };
const SIGTERM = 15;
const SIGKILL = 9;

test('stdout, stderr and the exit code arrive, are logged, and are recorded', LIMIT, async () => {
  const container = await laboratory.container({ command: ['sh', '-c', 'echo one; echo two >&2; exit 7'] });
  const gathered = new Gathered();
  await container.engine.attach({ stdout: true, stderr: true }, gathered.listen);
  const { pid } = await container.engine.start();
  assert.ok(pid > 1);
  const exit = await container.engine.exited;
  assert.equal(exit.code, 7);
  assert.equal(exit.oomKilled, false);
  assert.ok(Math.abs(Number(exit.at / 1_000_000n) - Date.now()) < 5000);
  assert.equal(gathered.text('stdout'), 'one\n');
  assert.equal(gathered.text('stderr'), 'two\n');
  await laboratory.left(container);
  assert.deepEqual(await readExitRecord(container.directory), exit);
  assert.equal(await readProcessId(container.directory), pid);
  assert.equal(existsSync(`${container.directory}/shim.sock`), false);
  const entries = (await readLog(container.logPath)).sort((one, other) => (one.stream < other.stream ? 1 : -1));
  assert.deepEqual(
    entries.map(({ log, stream }) => [stream, log]),
    [
      ['stdout', 'one\n'],
      ['stderr', 'two\n'],
    ].sort((one, other) => ((one[0] ?? '') < (other[0] ?? '') ? 1 : -1)),
  );
});

test('a terminal has a size, echoes, and can be resized', LIMIT, async () => {
  const script = 'echo ready; while read line; do test $line = end && exit 3; echo got $line; stty size; done';
  const container = await laboratory.container({ command: ['sh', '-c', script], terminal: true, stdin: true });
  const gathered = new Gathered();
  const attached = await container.engine.attach({ stdout: true, stdin: true }, gathered.listen);
  container.engine.resize(40, 120);
  await container.engine.start();
  await attached.writeStdin(Buffer.from('hello\n'));
  await gathered.until('got hello\r\n40 120\r\n');
  container.engine.resize(50, 132);
  await container.engine.state();
  await attached.writeStdin(Buffer.from('again\n'));
  await gathered.until('got again\r\n50 132\r\n');
  await attached.writeStdin(Buffer.from('end\n'));
  assert.equal((await container.engine.exited).code, 3);
  const entries = await readLog(container.logPath);
  assert.ok(entries.some((entry) => entry.log === 'got hello\r\n' && entry.stream === 'stdout'));
});

test('half-closing stdin ends the input but not the output', LIMIT, async () => {
  const container = await laboratory.container({ command: ['cat'], stdin: true, stdinOnce: true });
  const gathered = new Gathered();
  const attached = await container.engine.attach({ stdout: true, stdin: true }, gathered.listen);
  const sent = Buffer.alloc(3_000_000, 'abcdefghijklmno\n');
  await container.engine.start();
  await attached.writeStdin(sent);
  attached.closeStdin();
  assert.equal((await container.engine.exited).code, 0);
  assert.equal(gathered.bytes, sent.length);
  assert.ok(Buffer.concat(gathered.chunks.stdout).equals(sent));
});

test('without stdin-once a client that leaves does not end the input', LIMIT, async () => {
  const container = await laboratory.container({ command: ['cat'], stdin: true });
  const first = laboratory.keep(await connectShim(container.directory));
  const early = await first.attach({ stdin: true });
  await container.engine.start();
  await early.writeStdin(Buffer.from('first\n'));
  early.closeStdin();
  first.close();
  const gathered = new Gathered();
  const attached = await container.engine.attach({ stdout: true, stdin: true }, gathered.listen);
  await attached.writeStdin(Buffer.from('second\n'));
  await gathered.until('second\n');
  assert.equal((await container.engine.state()).phase, 'running');
  assert.equal(await container.engine.signal(SIGKILL), true);
  assert.equal((await container.engine.exited).code, 137);
});

test('a process without stdin reads the end at once', LIMIT, async () => {
  const container = await laboratory.container({ command: ['cat'] });
  await container.engine.start();
  assert.equal((await container.engine.exited).code, 0);
});

test('lines beyond 16 KiB are logged in pieces with one time', LIMIT, async () => {
  const script = 'head -c 16384 /dev/zero; echo; head -c 40000 /dev/zero; printf "\\nlast"';
  const container = await laboratory.container({ command: ['sh', '-c', script] });
  await container.engine.start();
  await container.engine.exited;
  const entries = await readLog(container.logPath);
  assert.deepEqual(
    entries.map((entry) => entry.log.length),
    [16384, 1, 16384, 16384, 40000 - 32768 + 1, 4],
  );
  assert.equal(entries[0]?.time, entries[1]?.time);
  assert.equal(entries[2]?.time, entries[4]?.time);
  assert.notEqual(entries[1]?.time, entries[2]?.time);
  assert.equal(entries[5]?.log, 'last');
});

test('every client gets every byte; a second engine takes over when the first is gone', LIMIT, async () => {
  const command = ['sh', '-c', 'read line; seq 1 20000; echo end; read line; exit 4'];
  const container = await laboratory.container({ command, stdin: true });
  const clients = await Promise.all(
    [1, 2, 3].map(async () => {
      const connection = laboratory.keep(await connectShim(container.directory));
      const gathered = new Gathered();
      const attached = await connection.attach({ stdout: true, stderr: true, stdin: true }, gathered.listen);
      return { connection, gathered, attached };
    }),
  );
  await container.engine.start();
  assert.ok((await Promise.all(clients.map(({ connection }) => connection.started))).every(({ pid }) => pid > 0));
  container.engine.close();
  await clients[0]?.attached.writeStdin(Buffer.from('\n'));
  for (const { gathered } of clients) await gathered.until('end\n');
  for (const { gathered } of clients) assert.equal(gathered.text(), clients[0]?.gathered.text());
  for (const { connection } of clients) connection.close();

  const second = laboratory.keep(await connectShim(container.directory));
  const state = await second.state();
  assert.equal(state.phase, 'running');
  assert.equal(state.pid, await readProcessId(container.directory));
  const attached = await second.attach({ stdin: true });
  await attached.writeStdin(Buffer.from('\n'));
  assert.equal((await second.exited).code, 4);
  assert.equal((await readLog(container.logPath)).length, 20001);
});

test('an exit while nobody is there stays on record', LIMIT, async () => {
  const container = await laboratory.container({ command: ['sh', '-c', 'read line; echo bye; exit 5'], stdin: true, stdinOnce: true });
  const attached = await container.engine.attach({ stdin: true });
  const { pid } = await container.engine.start();
  const { shimPid } = await container.engine.state();
  await attached.writeStdin(Buffer.from('go\n'));
  container.engine.close();
  await processEnded(shimPid);
  assert.equal((await readExitRecord(container.directory))?.code, 5);
  assert.equal(existsSync(`/proc/${pid}/stat`), false);
  assert.equal((await readLog(container.logPath))[0]?.log, 'bye\n');
  await assert.rejects(connectShim(container.directory), { code: 'ENOENT' });
});

test('a slow client holds the process up, and then gets everything', LIMIT, async () => {
  const total = 4_000_000;
  const container = await laboratory.container({ command: ['sh', '-c', `yes | head -c ${total}; echo end`], noLog: true });
  const client = laboratory.keep(await connectShim(container.directory));
  const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
  let bytes = 0;
  await client.attach({ stdout: true }, (_stream, data) => {
    bytes += data.length;
    return gate;
  });
  await container.engine.start();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal((await container.engine.state()).phase, 'running');
  assert.ok(bytes < 1_000_000);
  openGate();
  assert.equal((await client.exited).code, 0);
  assert.equal(bytes, total + 4);
});

test('exec runs a further process, and its failures name the reason', LIMIT, async () => {
  const container = await laboratory.container({ command: ['sleep', '1000'] });
  await container.engine.start();
  const exec = await laboratory.exec(container, 'exec-1', { command: ['sh', '-c', 'cat; exit 9'], stdin: true, stdinOnce: true });
  const gathered = new Gathered();
  const attached = await exec.engine.attach({ stdout: true, stdin: true }, gathered.listen);
  await exec.engine.start();
  await attached.writeStdin(Buffer.from('in and out'));
  attached.closeStdin();
  assert.equal((await exec.engine.exited).code, 9);
  assert.equal(gathered.text(), 'in and out');

  const terminal = await laboratory.exec(container, 'exec-2', { command: ['sh', '-c', 'sleep 0.2; stty size'], terminal: true });
  const screen = new Gathered();
  await terminal.engine.attach({ stdout: true }, screen.listen);
  terminal.engine.resize(24, 80);
  await terminal.engine.start();
  assert.equal((await terminal.engine.exited).code, 0);
  assert.equal(screen.text(), '24 80\r\n');

  const missing = await laboratory.exec(container, 'exec-3', { command: ['no-such-command'] });
  await assert.rejects(missing.engine.start(), (error) => {
    assert.ok(error instanceof ShimStartError);
    assert.match(error.message, /exec: "no-such-command": executable file not found in \$PATH/);
    return true;
  });
  await laboratory.left(missing);
  assert.equal(await container.engine.signal(SIGKILL), true);
  assert.equal((await container.engine.exited).code, 137);
});

test('exec does not wait longer than two seconds for a descendant that holds the output', LIMIT, async () => {
  const container = await laboratory.container({ command: ['sleep', '1000'] });
  await container.engine.start();
  const exec = await laboratory.exec(container, 'exec', { command: ['sh', '-c', 'sleep 900 & echo started'] });
  const gathered = new Gathered();
  await exec.engine.attach({ stdout: true }, gathered.listen);
  const begin = Date.now();
  await exec.engine.start();
  assert.equal((await exec.engine.exited).code, 0);
  assert.ok(Date.now() - begin < 4000);
  assert.equal(gathered.text(), 'started\n');
  await container.engine.signal(SIGKILL);
  await container.engine.exited;
});

test('a command that does not exist fails with the words of the runtime and leaves nothing', LIMIT, async () => {
  const container = await laboratory.container({ command: ['no-such-command'] });
  const other = laboratory.keep(await connectShim(container.directory));
  await assert.rejects(container.engine.start(), (error) => {
    assert.ok(error instanceof ShimStartError);
    assert.equal(error.status, 1);
    assert.match(error.message, /exec: "no-such-command": executable file not found in \$PATH/);
    return true;
  });
  await assert.rejects(other.started, ShimStartError);
  await laboratory.left(container);
  assert.equal(await readExitRecord(container.directory), undefined);
  assert.equal(existsSync(`${container.directory}/shim.sock`), false);
  assert.equal(await readFile(container.logPath, 'utf8'), '');
});

test('a runtime that is not there is named', LIMIT, async () => {
  const container = await laboratory.container({ command: ['true'], runtime: '/no/such/runtime' });
  await assert.rejects(container.engine.start(), /exec \/no\/such\/runtime: No such file or directory/);
});

test('input of a client that is gone still arrives, and waiting for room costs nothing', LIMIT, async () => {
  const command = ['sh', '-c', 'sleep 0.5; wc -c'];
  const container = await laboratory.container({ command, stdin: true, stdinOnce: true });
  const gathered = new Gathered();
  const attached = await container.engine.attach({ stdout: true, stdin: true }, gathered.listen);
  const client = laboratory.keep(await connectShim(container.directory));
  const input = await client.attach({ stdin: true });
  const { shimPid } = await container.engine.state();
  await container.engine.start();
  await input.writeStdin(Buffer.alloc(150_000, 'x'));
  client.close();
  const stat = async () => (await readFile(`/proc/${shimPid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  const ticks = async () => Number((await stat())[11]) + Number((await stat())[12]);
  const ticksBefore = await ticks();
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.ok((await ticks()) - ticksBefore <= 2);
  await new Promise((resolve) => setTimeout(resolve, 300));
  attached.closeStdin();
  assert.equal((await container.engine.exited).code, 0);
  assert.equal(gathered.text(), '150000\n');
});

test('signals reach the process; a dead one is not signalled', LIMIT, async () => {
  const command = ['sh', '-c', 'trap "exit 21" TERM; echo ready; while :; do sleep 0.05; done'];
  const container = await laboratory.container({ command });
  assert.equal(await container.engine.signal(SIGTERM), false);
  const gathered = new Gathered();
  await container.engine.attach({ stdout: true }, gathered.listen);
  await container.engine.start();
  await gathered.until('ready');
  assert.equal(await container.engine.signal(SIGTERM), true);
  assert.equal((await container.engine.exited).code, 21);
});

test('running out of memory is noticed and recorded', LIMIT, async () => {
  const command = ['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=200M count=1; echo dd $?; read line'];
  const container = await laboratory.container({ command, memory: 32 * 1024 * 1024, stdin: true, stdinOnce: true });
  const gathered = new Gathered();
  const attached = await container.engine.attach({ stdout: true, stdin: true }, gathered.listen);
  const noticed = new Promise<void>((resolve) => container.engine.onOom(resolve));
  await container.engine.start();
  await noticed;
  await gathered.until('dd 137');
  assert.equal((await container.engine.state()).oomKilled, true);
  attached.closeStdin();
  assert.equal((await container.engine.exited).oomKilled, true);
  assert.equal((await readExitRecord(container.directory))?.oomKilled, true);
});

test('a shim that nobody starts leaves with its engine', LIMIT, async () => {
  const container = await laboratory.container({ command: ['true'] });
  const { shimPid } = await container.engine.state();
  container.engine.close();
  await processEnded(shimPid);
  assert.equal(existsSync(`${container.directory}/shim.sock`), false);
});
