/**
 * Compares `gantry` with the real docker client, word for word, on one engine: GANTRY_TEST_HOST names its socket. Any
 * engine will do, for it is the clients that are compared.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { PARITY_IMAGE, SCENARIOS } from './cli-parity.scenarios.ts';

const runFile = promisify(execFile);
const host = process.env.GANTRY_TEST_HOST;
const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What one command did. */
interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A client under comparison: its program and the words before the command. */
type Client = readonly [string, ...string[]];

const SKIP = host === undefined ? 'GANTRY_TEST_HOST names no engine to run both clients on' : false;

describe('gantry and docker say the same', { skip: SKIP }, () => {
  const docker: Client = ['docker', '-H', host ?? ''];
  let directory: string;
  let gantry: Client;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gantry-parity-'));
    const bundle = join(directory, 'gantry.cjs');
    await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', outfile: bundle });
    // `--` keeps Node from taking flags like --env-file for its own.
    gantry = [process.execPath, '--', bundle, '-H', host ?? ''];
    const { DOCKER_HOST: _, GANTRY_HOST: __, ...rest } = process.env;
    const { stdout } = await runFile('docker', ['-H', host ?? '', 'version', '-f', '{{.Client.APIVersion}}']);
    // What an engine answers depends on the version it is spoken to in.
    environment = { ...rest, DOCKER_CONFIG: directory, DOCKER_API_VERSION: stdout.trim() };
    await importBusybox(docker, directory, environment);
  });

  after(async () => {
    await outcome(docker, ['rmi', '-f', PARITY_IMAGE], environment);
    await rm(directory, { recursive: true });
  });

  for (const scenario of SCENARIOS) {
    test(scenario.name, async (context) => {
      const transcript = async (client: Client) => {
        for (const words of scenario.before ?? []) await outcome(docker, words, environment);
        const outcomes: Outcome[] = [];
        for (const words of scenario.commands) outcomes.push(await outcome(client, words, environment));
        for (const words of scenario.after ?? []) await outcome(docker, words, environment);
        return outcomes;
      };
      const expected = await transcript(docker);
      const actual = await transcript(gantry);
      for (const [index, words] of scenario.commands.entries()) {
        await context.test(words.join(' '), () => assert.deepEqual(actual[index], expected[index]));
      }
    });
  }
});

async function outcome(client: Client, words: readonly string[], environment: NodeJS.ProcessEnv): Promise<Outcome> {
  const [program, ...first] = client;
  const child = runFile(program, [...first, ...words], { env: environment });
  child.child.stdin?.end();
  const result = await child.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number | string; stdout: string; stderr: string }) => error,
  );
  return { code: result.code, stdout: normalised(result.stdout), stderr: normalised(result.stderr) };
}

/** Takes out what differs between two runs of anything, and between the two programs' names. */
function normalised(text: string): string {
  return (
    text
      .replaceAll('gantry', 'docker')
      .replaceAll(/\b[0-9a-f]{64}\b/g, '<id>')
      .replaceAll(/\b[0-9a-f]{12}\b/g, '<short id>')
      .replaceAll(/(About an? \w+|Less than a second|\d+ (seconds?|minutes?|hours?))( ago)?/g, '<age>')
      .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|[+-]\d\d:\d\d| [+-]\d{4} \w+)/g, '<time>')
      .replaceAll(/"(Pid|timeNano|time)": ?\d+/g, '"$1": <number>')
      .replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, '<mac>')
      .replaceAll(/\b3\d{4}\b/g, '<port>')
      .replaceAll(/^\d+( +sleep)$/gm, '<pid>$1')
      .replaceAll(/ +/g, ' ')
      .replaceAll(/-{3,}/g, '---')
      // A slip of docker 28.2, and a line it prints for an error without text.
      .replaceAll("SRun '", "Run '")
      .replaceAll(/^exit status \d+\n/gm, '')
  );
}

async function importBusybox(docker: Client, directory: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const root = join(directory, 'root');
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'tmp'));
  await cp('/bin/busybox', join(root, 'bin', 'busybox'));
  const { stdout } = await runFile('/bin/busybox', ['--list']);
  for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
    await symlink('busybox', join(root, 'bin', applet));
  }
  const archive = join(directory, 'busybox.tar');
  await runFile('tar', ['-C', root, '-cf', archive, '.']);
  await runFile(docker[0], [...docker.slice(1), 'import', '-c', 'CMD ["sh"]', archive, PARITY_IMAGE], {
    env: environment,
  });
}
