/** An image store of a test's own, on real layers, and little images to fill it with. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Clock, createLog } from '../base/index.ts';
import type { ProgressMessage } from '../contract/docker/index.ts';
import { openLayers } from '../layers/index.ts';
import { openConfinedThreads, startKernel } from '../linux/index.ts';
import { openRegistry } from '../registry/index.ts';
import type { ImageEvent } from './context.ts';
import { buildDockerArchive, type ImagePlan } from './embedded.ts';
import { openImages } from './open-images.ts';

export type TestImages = Awaited<ReturnType<typeof openTestImages>>;

/** Opens everything in a new temporary data root, or in the given one; it goes when disposed of. */
export async function openTestImages(given?: string) {
  const root = given ?? (await mkdtemp(join(tmpdir(), 'gantry-images-')));
  const events: ImageEvent[] = [];
  const kernel = await startKernel();
  const confined = openConfinedThreads({ entry: new URL('./confined.fixture.ts', import.meta.url) });
  const registry = openRegistry({ stallMilliseconds: 500, retryStepSeconds: 0.01, downloadAttempts: 2 });
  const log = createLog('fatal');
  const open = async () => {
    const layers = await openLayers({ root, kernel, confined, log });
    const images = await openImages({
      root,
      layers,
      registry,
      clock: new Clock(),
      log,
      events: (event) => void events.push(event),
      version: '0',
    });
    await layers.recover({ containers: new Set() });
    return { layers, images };
  };
  return {
    root,
    events,
    ...(await open()),
    /** What the next start of the engine sees. */
    reopen: open,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await confined[Symbol.asyncDispose]();
      await kernel[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Names of the data root's content that tests look at: nothing may be left in any of them. */
export async function inventory(root: string) {
  const list = (path: string) => readdir(join(root, path)).catch(() => []);
  return {
    images: await list('image/overlay2/imagedb/content/sha256'),
    metadata: await list('image/overlay2/imagedb/metadata/sha256'),
    layers: await list('image/overlay2/layerdb/sha256'),
    directories: (await list('overlay2')).filter((name) => name !== 'l' && name !== 'backingFsBlockDev'),
    temporary: await list('tmp'),
  };
}

const CREATED = 1_767_225_600_000_000_000n;

/** An archive of little images: name, layers (each a text that is its only file's content), labels. */
export function littleArchive(...images: { tag: string; layers: string[]; labels?: Record<string, string> }[]): Buffer {
  return buildDockerArchive(images.map(littlePlan), { architecture: 'amd64', created: CREATED });
}

/** The plan of a little image. */
export function littlePlan(image: { tag: string; layers: string[]; labels?: Record<string, string> }): ImagePlan {
  return {
    tag: image.tag,
    layers: image.layers.map((content) => ({
      createdBy: content.slice(0, 20),
      files: [{ path: content.slice(0, 20), type: 'file', mode: 0o644, content }],
    })),
    config: { Cmd: ['true'], ...(image.labels === undefined ? {} : { Labels: image.labels }) },
  };
}

/** Loads an archive; returns the messages. */
export async function load(images: Pick<TestImages['images'], 'load'>, archive: Buffer): Promise<ProgressMessage[]> {
  const messages: ProgressMessage[] = [];
  await images.load({
    body: Readable.from([archive]),
    onProgress: (message) => void messages.push(message),
    quiet: true,
  });
  return messages;
}
