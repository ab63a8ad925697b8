/** Run as a program: does a job on a data root, and dies by SIGKILL at the wished step. Prints the number of steps. */
import { subscribe } from 'node:diagnostics_channel';
import { Readable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import { Clock, createLog } from '../base/index.ts';
import { openLayers } from '../layers/index.ts';
import { openConfinedThreads, startKernel } from '../linux/index.ts';
import { openRegistry } from '../registry/index.ts';
import { littleArchive } from './images.fixture.ts';
import { openImages } from './open-images.ts';
import { pullReference } from './pull/pull.ts';

const [root = '', job = '', subject = '', dieAt = '0'] = process.argv.slice(2);

if (isMainThread) {
  const kernel = await startKernel();
  const confined = openConfinedThreads({ entry: new URL('./confined.fixture.ts', import.meta.url) });
  const registry = openRegistry();
  const log = createLog('fatal');
  const layers = await openLayers({ root, kernel, confined, log });
  const options = { root, layers, registry, log, clock: new Clock(), events: () => undefined, version: '0' };
  const images = await openImages(options);
  await layers.recover({ containers: new Set() });
  let steps = 0;
  subscribe('gantry.step', () => {
    steps += 1;
    if (steps === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
  });
  if (job === 'load') {
    const body = Readable.from([littleArchive({ tag: subject, layers: ['one', subject] })]);
    await images.load({ body, quiet: true, onProgress: () => undefined });
  } else if (job === 'pull') {
    await images.pull({ reference: pullReference(subject, ''), onProgress: () => undefined });
  } else await images.remove(subject, { usersOf: () => [] });
  process.stdout.write(String(steps));
  await registry[Symbol.asyncDispose]();
  await confined[Symbol.asyncDispose]();
  await kernel[Symbol.asyncDispose]();
}
