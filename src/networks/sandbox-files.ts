import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonFile, removeTemporaryFiles, shortId, writeFileAtomic } from '../base/index.ts';
import type { Sandbox } from './model.ts';

const SUFFIX = '.json';

/** The files of sandboxes: `<run directory>/sandboxes/<container id>.json` and the pinned namespaces in `netns/`. */
export class SandboxFiles {
  readonly #documents: string;
  readonly #namespaces: string;

  constructor(runDirectory: string) {
    this.#documents = join(runDirectory, 'sandboxes');
    this.#namespaces = join(runDirectory, 'netns');
  }

  /** Makes the folders and removes what an interrupted write left. */
  async prepare(): Promise<void> {
    await mkdir(this.#documents, { recursive: true, mode: 0o700 });
    await mkdir(this.#namespaces, { recursive: true, mode: 0o700 });
    await removeTemporaryFiles(this.#documents);
  }

  async write(sandbox: Sandbox): Promise<void> {
    await writeFileAtomic(this.#documentOf(sandbox.containerId), JSON.stringify(sandbox));
  }

  async remove(containerId: string): Promise<void> {
    await rm(this.#documentOf(containerId), { force: true });
  }

  async readAll(): Promise<readonly Sandbox[]> {
    const names = (await readdir(this.#documents)).filter((name) => name.endsWith(SUFFIX));
    const sandboxes = await Promise.all(names.map((name) => readJsonFile<Sandbox>(join(this.#documents, name))));
    return sandboxes.filter((sandbox) => sandbox !== undefined);
  }

  /** Where a sandbox's namespace is pinned: dockerd's name for the file. */
  namespaceOf(sandboxId: string): string {
    return join(this.#namespaces, shortId(sandboxId));
  }

  /** The files of all pinned namespaces. */
  async namespaces(): Promise<readonly string[]> {
    return (await readdir(this.#namespaces)).map((name) => join(this.#namespaces, name));
  }

  #documentOf(containerId: string): string {
    return join(this.#documents, `${containerId}${SUFFIX}`);
  }
}
