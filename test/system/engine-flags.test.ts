import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type EngineOptions, type ProgramResult, runProgram, startEngine, TestEngine } from '../harness/index.ts';
import { makeNamespaces } from '../harness/namespaces.ts';

/** An engine that was never started: its command line can be given more words. */
let unstarted: TestEngine;
before(async () => {
  unstarted = new TestEngine(mkdtempSync(join(tmpdir(), 'gt-')), await makeNamespaces(), {});
});
after(() => unstarted[Symbol.asyncDispose]());

/** Runs gantryd with its usual flags, more flags and a daemon.json, to its end. */
async function gantryd(words: readonly string[], config: object | string = {}): Promise<ProgramResult> {
  writeFileSync(join(unstarted.directory, 'daemon.json'), typeof config === 'string' ? config : JSON.stringify(config));
  const [file = '', ...argv] = unstarted.command(...words);
  return runProgram(file, argv, { environment: unstarted.steps.environment });
}

async function refusal(words: readonly string[], config?: object | string): Promise<string> {
  const { status, stdout, stderr } = await gantryd(words, config);
  assert.equal(status, 1, stdout + stderr);
  assert.equal(stdout, '');
  return stderr;
}

test('--validate checks flags and keys, and does nothing else', async () => {
  const config = { debug: true, dns: ['192.0.2.53'], 'default-address-pools': [{ base: '10.9.0.0/16', size: 24 }] };
  assert.deepEqual(await gantryd(['--validate', '--mtu', '1400'], config), {
    status: 0,
    stdout: 'configuration OK\n',
    stderr: '',
  });
  assert.throws(() => statSync(unstarted.dataRoot), /ENOENT/);
  assert.match(await refusal(['--validate'], { 'no-such-key': 1 }), /no-such-key/);
});

test('--help names every kind of flag, --version the version', async () => {
  const { status, stdout } = await gantryd(['--help']);
  assert.equal(status, 0);
  for (const words of ['-H, --host', '--data-root', '--bip', '-p, --pidfile', '-G, --group', '--validate'])
    assert.ok(stdout.includes(words), words);
  assert.match((await gantryd(['--version'])).stdout, /^Gantry version \d+\.\d+\.\d+\n$/);
});

/** What is refused: flags, daemon.json, the text. */
const refused: Readonly<Record<string, readonly [readonly string[], object | string, RegExp]>> = {
  'an unknown flag': [['--no-such-flag'], {}, /^gantryd: .*no-such-flag.*\n.*See 'gantryd --help'/],
  'a word that is no flag': [['word'], {}, /^gantryd: .*word/],
  'a flag without its value': [['--mtu'], {}, /^gantryd: .*--mtu/],
  'a number that is none': [['--mtu', 'x'], {}, /^gantryd: invalid argument "x" for "--mtu" flag\n$/],
  'an unknown key': [
    [],
    { 'no-such-key': 1, another: 2 },
    /daemon\.json: the following directives don't match any configuration option: no-such-key, another\n$/,
  ],
  'a text that is a number': [[], { group: 5 }, /daemon\.json: "group" must be a string\n$/],
  'a number that is a text': [[], { mtu: '1500' }, /daemon\.json: "mtu" must be a whole number\n$/],
  'a list that is a text': [[], { dns: '192.0.2.53' }, /daemon\.json: "dns" must be a list of strings\n$/],
  'a list with something else in it': [[], { dns: [1] }, /daemon\.json: "dns" must be a list of strings\n$/],
  'a boolean that is a text': [[], { debug: 'yes' }, /daemon\.json: "debug" must be a boolean\n$/],
  'runtimes that are a list': [[], { runtimes: [] }, /daemon\.json: "runtimes" must be an? /],
  'a runtime without a path': [[], { runtimes: { mine: {} } }, /daemon\.json: .*runtimes.*mine/],
  'pools that are no pools': [
    [],
    { 'default-address-pools': [{ base: 'x' }] },
    /daemon\.json: .*default-address-pools/,
  ],
  'text that is no JSON': [[], '{"debug": tru', /daemon\.json: .*JSON/],
  'a document that is no object': [[], '[]', /daemon\.json: not a JSON object\n$/],
  'a flag and a key that conflict': [
    ['--log-level', 'warn', '--dns', '192.0.2.1'],
    { 'log-level': 'debug', dns: ['192.0.2.2'] },
    /specified both as a flag and in the configuration file: log-level: \(from flag --log-level: "warn", from file: "debug"\), dns: \(from flag --dns: \["192.0.2.1"\], from file: \["192.0.2.2"\]\)\n$/,
  ],
  'an unknown level': [['--log-level', 'chatty'], {}, /^gantryd: invalid logging level: chatty\n$/],
  'a host of another kind': [['-H', 'ftp://127.0.0.1'], {}, /^gantryd: invalid bind address \(ftp:\/\/127.0.0.1\)\n$/],
  'a host with an impossible port': [['-H', 'tcp://127.0.0.1:x'], {}, /^gantryd: invalid bind address \(tcp:.*x\)\n$/],
  'an address without a prefix length': [['--bip', '10.0.0.1'], {}, /^gantryd: invalid bip "10.0.0.1"/],
  'an address that is none': [['--bip', '10.0.0.999/24'], {}, /^gantryd: invalid bip "10.0.0.999\/24"/],
  'a relative data root': [['--data-root', 'data'], {}, /^gantryd: path must be absolute: data\n$/],
  'another storage driver': [['--storage-driver', 'zfs'], {}, /^gantryd: unsupported storage driver "zfs"/],
  'an unknown log driver': [['--log-driver', 'syslog'], {}, /no log driver named 'syslog'/],
  'a runtime that is not there': [['--default-runtime', 'mine'], {}, /^gantryd: .*default runtime.*mine/],
};

for (const [name, [words, config, text]] of Object.entries(refused))
  test(`refused: ${name}`, async () => {
    assert.match(await refusal(['--validate', ...words], config), text);
  });

test('a configuration file that is named must be there', async () => {
  assert.match(
    await refusal(['--validate', '--config-file', '/nonexistent.json']),
    /with file \/nonexistent\.json: .*no such file/,
  );
});

/** Starts an engine that has one more directory, which goes with it. */
async function withDirectory(options: (directory: string) => EngineOptions) {
  const directory = mkdtempSync(join(tmpdir(), 'gt-more-'));
  const engine = await startEngine(options(directory)).catch((error: unknown) => {
    rmSync(directory, { recursive: true });
    throw error;
  });
  return {
    directory,
    engine,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The first line that a TCP server in the engine's network answers to a ping. */
async function pingOverTcp(engine: TestEngine, port: number): Promise<string> {
  const { stdout } = await engine.inNetwork('curl', '--silent', '--max-time', '10', `http://127.0.0.1:${port}/_ping`);
  return stdout;
}

const GROUP_ID = 33;
const PORT = 23_750;

test('several hosts, the group of the sockets, the pid file: there while the engine runs, gone after', async () => {
  await using setup = await withDirectory((directory) => ({
    flags: ['-H', `unix://${directory}/deep/two.sock`, '-H', `tcp://127.0.0.1:${PORT}`, '--group', String(GROUP_ID)],
  }));
  const { engine, directory } = setup;
  const second = `${directory}/deep/two.sock`;
  for (const path of [engine.socketPath, second]) {
    const { mode, uid, gid } = statSync(path);
    assert.deepEqual([mode & 0o777, uid, gid], [0o660, 0, GROUP_ID], path);
  }
  assert.equal(await pingOverTcp(engine, PORT), 'OK');
  await new Promise<void>((resolve, reject) => {
    const socket = connect(second, () => resolve(void socket.destroy()));
    socket.on('error', reject);
  });
  assert.match(engine.log, /not encrypted/);
  const pidFile = join(engine.runDirectory, 'gantryd.pid');
  assert.ok(readFileSync(`/proc/${Number(readFileSync(pidFile, 'utf8'))}/cmdline`, 'utf8').includes(engine.dataRoot));
  await engine.stop();
  for (const path of [engine.socketPath, second, pidFile]) assert.throws(() => statSync(path), /ENOENT/);
});

test('a group by its name; one that does not exist leaves the socket to root', async () => {
  await using named = await startEngine({ config: { group: 'www-data' } });
  assert.equal(statSync(named.socketPath).gid, GROUP_ID);
  await named.stop();
});

test('the bridge has the name and the address asked for, and containers are in its network', async () => {
  await using engine = await startEngine({ flags: ['--bridge', 'other0', '--bip', '10.77.3.1/24', '--mtu', '1400'] });
  await engine.load(engine.images.busybox);
  assert.match((await engine.inNetwork('ip', '-brief', 'address', 'show', 'other0')).stdout, /\b10\.77\.3\.1\/24\b/);
  assert.notEqual((await engine.inNetwork('ip', 'link', 'show', 'gantry0')).status, 0);
  const { stdout } = await engine.run({
    Cmd: 'ip -o -4 address show eth0; cat /sys/class/net/eth0/mtu; ip route',
    HostConfig: { NetworkMode: 'bridge' },
  });
  assert.match(stdout, /inet 10\.77\.3\.2\/24[\s\S]*\n1400\n[\s\S]*default via 10\.77\.3\.1 /);
});

test('runtimes of daemon.json, and the default one', async () => {
  await using setup = await withDirectory((directory) => {
    const script = `#!/bin/sh\necho "$@" >> ${directory}/calls\nexec runc "$@"\n`;
    writeFileSync(join(directory, 'wrapped'), script, { mode: 0o755 });
    return {
      flags: ['--default-runtime', 'wrapped'],
      config: { runtimes: { wrapped: { path: join(directory, 'wrapped'), runtimeArgs: ['--debug'] } } },
    };
  });
  const { engine, directory } = setup;
  await engine.load(engine.images.busybox);
  const { DefaultRuntime, Runtimes } = (await engine.expect(200, 'GET', '/info')).json<{
    DefaultRuntime: string;
    Runtimes: Record<string, { path: string }>;
  }>();
  assert.equal(DefaultRuntime, 'wrapped');
  assert.equal(Runtimes.wrapped?.path, join(directory, 'wrapped'));
  const { id, stdout } = await engine.run({ Cmd: 'echo ran' });
  assert.equal(stdout, 'ran\n');
  assert.equal((await engine.inspect(id)).HostConfig?.Runtime, 'wrapped');
  assert.match(readFileSync(join(directory, 'calls'), 'utf8'), /--debug .*run/);
});

test('two engines cannot share a data root or a run directory', async () => {
  await using first = await startEngine();
  const second = async (...words: string[]) => {
    const [file = '', ...argv] = first.command(...words, '--pidfile', `${first.directory}/second.pid`);
    return runProgram(file, argv, { environment: first.steps.environment, timeout: 10_000 });
  };
  const sameRoot = await second('--run-dir', `${first.directory}/run2`);
  assert.deepEqual([sameRoot.status, sameRoot.stderr], [1, `gantryd: another engine uses ${first.dataRoot}\n`]);
  const sameRun = await second('--data-root', `${first.directory}/data2`);
  assert.deepEqual([sameRun.status, sameRun.stderr], [1, `gantryd: another engine uses ${first.runDirectory}\n`]);
  await first.expect(200, 'GET', '/_ping');
});

test('an address that is taken keeps the engine from starting, with its name', async () => {
  await using first = await startEngine({ flags: ['-H', `tcp://127.0.0.1:${PORT}`] });
  const [file = '', ...argv] = first.command(
    ...['--data-root', `${first.directory}/data2`, '--run-dir', `${first.directory}/run2`],
    ...['--pidfile', `${first.directory}/run2/pid`, '--bridge', 'other0'],
  );
  const words = argv.map((word) => word.replace(`unix://${first.socketPath}`, `unix://${first.directory}/other.sock`));
  const { status, stderr } = await runProgram(file, words, {
    environment: first.steps.environment,
    timeout: 20_000,
  });
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`gantryd: failed to listen at tcp://127.0.0.1:${PORT}: .*EADDRINUSE`));
});

test('SIGTERM leaves containers running, and says so', async () => {
  await using engine = await startEngine();
  await engine.load(engine.images.busybox);
  const id = await engine.start();
  const { Pid } = (await engine.inspect(id)).State ?? {};
  await engine.stop();
  assert.ok(statSync(`/proc/${Pid}`));
  assert.match(engine.log, /"reason":"SIGTERM","containers":1,"msg":"[^"]*left running/);
  await engine.begin();
  assert.equal((await engine.inspect(id)).State?.Pid, Pid);
});

test('debug and log-level say how much is logged', async () => {
  const levels = async (options: EngineOptions) => {
    await using engine = await startEngine(options);
    await engine.expect(404, 'GET', '/containers/none/json');
    await engine.stop();
    return new Set([...engine.log.matchAll(/"level":(\d+)/g)].map(([, level]) => Number(level)));
  };
  const [plain, debug, quiet] = await Promise.all([
    levels({}),
    levels({ flags: ['--debug'] }),
    levels({ config: { 'log-level': 'error' } }),
  ]);
  assert.ok(plain?.has(30) && !plain.has(20));
  assert.ok(debug?.has(20));
  assert.deepEqual(quiet, new Set());
});
