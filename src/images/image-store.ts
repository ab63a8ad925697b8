/** Images on disk, in Docker's layout: `imagedb/content/sha256/<id>` is the config, `imagedb/metadata` what dockerd adds. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  announceStep,
  type Digest,
  digestHex,
  errnoOf,
  isDigest,
  type Log,
  messageOf,
  removeTemporaryFiles,
  syncFolder,
  writeFileAtomic,
} from '../base/index.ts';
import type { ChainId, Layers } from '../layers/index.ts';
import { chainIds, type ImageConfig, parseImageConfig } from './image-config.ts';

/** An image that the engine has. */
export interface Image extends ImageConfig {
  /** Bytes of all its layers. */
  readonly size: number;
  /** The image it was built on, if that was built here. */
  readonly parent: Digest | undefined;
  /** RFC 3339; undefined if it was never tagged here. */
  readonly lastTagged: string | undefined;
}

const PRIVATE_MODE = 0o700;

/** The images of a data root. Each holds a reference to its layers. */
export class ImageStore {
  readonly #content: string;
  readonly #metadata: string;
  readonly #layers: Layers;
  readonly #images = new Map<Digest, Image>();

  private constructor(imagedb: string, layers: Layers) {
    this.#content = join(imagedb, 'content', 'sha256');
    this.#metadata = join(imagedb, 'metadata', 'sha256');
    this.#layers = layers;
  }

  /** Reads every image; what is damaged or lacks a layer is reported and left out. */
  static async open(imagedb: string, layers: Layers, log: Log): Promise<ImageStore> {
    const store = new ImageStore(imagedb, layers);
    await mkdir(store.#content, { recursive: true, mode: PRIVATE_MODE });
    await mkdir(store.#metadata, { recursive: true, mode: PRIVATE_MODE });
    await removeTemporaryFiles(store.#content);
    const names = await readdir(store.#content);
    for (const name of names) {
      try {
        await store.#read(`sha256:${name}`);
      } catch (error) {
        log.warn({ image: name, error: messageOf(error) }, 'an image is damaged and left out');
      }
    }
    const strays = (await readdir(store.#metadata)).filter((name) => !names.includes(name));
    await Promise.all(strays.map((name) => rm(join(store.#metadata, name), { recursive: true, force: true })));
    return store;
  }

  get(id: Digest): Image | undefined {
    return this.#images.get(id);
  }

  /** Every image, in no particular order. */
  all(): Image[] {
    return [...this.#images.values()];
  }

  /** Images that were built on this one. */
  children(id: Digest): Image[] {
    return this.all().filter(({ parent }) => parent === id);
  }

  /** The image whose id begins so (with or without `sha256:`); undefined if there is none, or more than one. */
  search(prefix: string): Image | undefined {
    const hex = prefix.replace(/^sha256:/, '');
    if (!/^[0-9a-f]+$/.test(hex)) return undefined;
    const found = this.all().filter(({ id }) => digestHex(id).startsWith(hex));
    return found.length === 1 ? found[0] : undefined;
  }

  /** Makes an image of a config whose layers exist. Fine if it exists already. The config's file is what makes it exist. */
  async add(raw: Buffer, options: { parent?: Digest | undefined } = {}): Promise<Image> {
    const config = parseImageConfig(raw);
    const existing = this.#images.get(config.id);
    if (existing !== undefined) return existing;
    if (config.chainId !== undefined) this.#layers.acquire(config.chainId);
    try {
      if (options.parent !== undefined) await this.#writeMetadata(config.id, 'parent', options.parent);
      await writeFileAtomic(join(this.#content, digestHex(config.id)), raw);
    } catch (error) {
      if (config.chainId !== undefined) await this.#layers.release(config.chainId);
      throw error;
    }
    return this.#remember(config, options.parent, undefined);
  }

  /** Forgets an image. Returns its chain, whose reference the caller must now release. */
  async delete(image: Image): Promise<ChainId | undefined> {
    const hex = digestHex(image.id);
    announceStep('remove', join(this.#content, hex));
    await rm(join(this.#content, hex));
    await syncFolder(this.#content);
    this.#images.delete(image.id);
    announceStep('remove', join(this.#metadata, hex));
    await rm(join(this.#metadata, hex), { recursive: true, force: true });
    return image.chainId;
  }

  /** Notes when the image was last given a name. */
  async setLastTagged(id: Digest, time: string): Promise<void> {
    const image = this.#images.get(id);
    if (image === undefined) return;
    await this.#writeMetadata(id, 'lastUpdated', time);
    this.#images.set(id, { ...image, lastTagged: time });
  }

  /** The config as it was given. */
  raw(id: Digest): Promise<Buffer> {
    return readFile(join(this.#content, digestHex(id)));
  }

  async #read(id: Digest): Promise<void> {
    if (!isDigest(id)) return;
    const config = parseImageConfig(await this.raw(id));
    if (config.id !== id) throw new Error('its content is not what its name says');
    const parent = await this.#readMetadata(id, 'parent');
    const lastTagged = await this.#readMetadata(id, 'lastUpdated');
    if (config.chainId !== undefined) this.#layers.acquire(config.chainId);
    this.#remember(config, parent !== undefined && isDigest(parent) ? parent : undefined, lastTagged);
  }

  #remember(config: ImageConfig, parent: Digest | undefined, lastTagged: string | undefined): Image {
    const sizes = chainIds(config.diffIds).map((chainId) => this.#layers.get(chainId)?.size ?? 0);
    const image = { ...config, size: sizes.reduce((sum, size) => sum + size, 0), parent, lastTagged };
    this.#images.set(config.id, image);
    return image;
  }

  async #writeMetadata(id: Digest, name: string, value: string): Promise<void> {
    const folder = join(this.#metadata, digestHex(id));
    await mkdir(folder, { recursive: true, mode: PRIVATE_MODE });
    await writeFileAtomic(join(folder, name), value);
  }

  async #readMetadata(id: Digest, name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#metadata, digestHex(id), name), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}
