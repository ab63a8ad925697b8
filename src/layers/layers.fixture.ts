import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createLog, digestOf } from '../base/index.ts';
import { type ConfinedThreads, type Kernel, openConfinedThreads, startKernel } from '../linux/index.ts';
import { type ChainId, type Layer, type Layers, openLayers } from './index.ts';
import { type TestEntry, testArchive } from './tar.fixture.ts';

/** Layers in a folder of their own. */
export class LayersFixture implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'gantry-layers-'));
  readonly root = join(this.folder, 'root');
  readonly kernel: Kernel;
  readonly confined: ConfinedThreads;
  layers: Layers;

  private constructor(kernel: Kernel, confined: ConfinedThreads) {
    this.kernel = kernel;
    this.confined = confined;
    this.layers = undefined as unknown as Layers;
  }

  static async open(): Promise<LayersFixture> {
    const confined = openConfinedThreads({ entry: new URL('./confined.fixture.ts', import.meta.url) });
    const fixture = new LayersFixture(await startKernel(), confined);
    await fixture.restart();
    return fixture;
  }

  /** What a new engine would see. */
  async restart(): Promise<void> {
    const { root, kernel, confined } = this;
    this.layers = await openLayers({ root, kernel, confined, log: createLog('fatal') });
  }

  /** Puts bytes into a file; returns its path. */
  file(content: Uint8Array): string {
    const path = join(this.folder, digestOf(content).slice(-16));
    writeFileSync(path, content);
    return path;
  }

  /** Registers an archive with these entries. */
  register(entries: readonly TestEntry[], parent?: ChainId): Promise<Layer> {
    const archive = testArchive(entries);
    return this.layers.register({ path: this.file(archive) }, parent, digestOf(archive));
  }

  /** The whole archive that a layer gives back. */
  async archiveOf(layer: Layer): Promise<Buffer> {
    return buffer(await this.layers.tarStream(layer.chainId));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.confined[Symbol.asyncDispose]();
    await this.kernel[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
