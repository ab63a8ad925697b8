/** As much of an engine as the harness's own tests need: it answers pings, announces steps, and leaves things behind. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, Worker } from 'node:worker_threads';
import { announceStep } from '../../src/base/steps.ts';

if (isMainThread) {
  const { values } = parseArgs({
    strict: false,
    options: { 'data-root': { type: 'string' }, host: { type: 'string', short: 'H' } },
  });
  const dataRoot = String(values['data-root']);
  mkdirSync(join(dataRoot, 'containers'), { recursive: true });

  /** What a request to the path does. */
  const effects: Record<string, () => void> = {
    '/step': () => announceStep('effect', 'of the main thread'),
    '/worker-step': () => void new Worker(new URL(import.meta.url)),
    '/litter': () => {
      execFileSync('ip', ['link', 'add', 'litter0', 'type', 'bridge']);
      execFileSync('mount', ['-t', 'tmpfs', 'litter', join(dataRoot, 'containers')]);
      execFileSync('nft', ['add', 'table', 'inet', 'litter']);
      writeFileSync(join(dataRoot, 'litter'), '');
      spawn('sh', ['-c', `sleep 1000; : ${dataRoot}`], { detached: true, stdio: 'ignore' }).unref();
    },
  };
  const server = createServer((request, response) => {
    effects[request.url ?? '']?.();
    response.end('OK');
  });
  const socket = String(values.host).replace('unix://', '');
  rmSync(socket, { force: true });
  server.listen(socket);
  process.on('SIGTERM', () => process.exit(0));
} else {
  announceStep('effect', 'of a worker');
}
