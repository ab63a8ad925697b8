import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxLayer, runOrFail } from '../test/harness/index.ts';
import { type Contender, IDLE_COMMAND } from './engines.ts';

/** The OCI runtime by itself: no engine, no network, no layers, no log. What an engine cannot be faster than. */
export class BareRuntime implements Contender {
  readonly name: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
  #serial = 0;

  /** @param program `runc` or `crun` */
  constructor(program: string) {
    this.name = program;
  }

  async prepare(): Promise<void> {
    mkdirSync(join(this.#directory, 'rootfs'));
    await runOrFail('tar', ['--extract', '--directory', join(this.#directory, 'rootfs')], { input: busyboxLayer() });
    await runOrFail(this.name, ['spec', '--bundle', this.#directory]);
    const spec = JSON.parse(readFileSync(join(this.#directory, 'config.json'), 'utf8'));
    this.#writeBundle('true', spec, ['true']);
    this.#writeBundle('idle', spec, IDLE_COMMAND);
    await this.#start('host');
  }

  async runTrue(): Promise<void> {
    await this.#runtime('run', '--bundle', this.#bundle('true'), this.#nextId());
  }

  async execTrue(): Promise<void> {
    await this.#runtime('exec', 'host', 'true');
  }

  async startIdle(): Promise<void> {
    await this.#start(this.#nextId());
  }

  helperMemory(): undefined {
    return undefined; // nothing stays behind to hold a container
  }

  async removeIdle(): Promise<void> {
    const listed = await this.#runtime('list', '--format', 'json');
    const containers: { id: string }[] = JSON.parse(listed) ?? [];
    for (const { id } of containers) if (id !== 'host') await this.#runtime('delete', '--force', id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.removeIdle();
    await this.#runtime('delete', '--force', 'host');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #nextId(): string {
    this.#serial += 1;
    return `bench-${process.pid}-${this.#serial}`;
  }

  #bundle(name: string): string {
    return join(this.#directory, name);
  }

  #writeBundle(name: string, spec: { process: object; root: object }, command: readonly string[]): void {
    mkdirSync(this.#bundle(name));
    const changed = {
      ...spec,
      process: { ...spec.process, terminal: false, args: command },
      root: { ...spec.root, path: join(this.#directory, 'rootfs') },
    };
    writeFileSync(join(this.#bundle(name), 'config.json'), JSON.stringify(changed));
  }

  async #start(id: string): Promise<void> {
    // The container keeps the standard output of a detached run open, so it must not be ours to wait for.
    const line = '"$0" --root "$1" run --detach --bundle "$2" "$3" >/dev/null 2>&1 </dev/null';
    await runOrFail('sh', ['-c', line, this.name, join(this.#directory, 'state'), this.#bundle('idle'), id]);
  }

  #runtime(...argv: string[]): Promise<string> {
    return runOrFail(this.name, ['--root', join(this.#directory, 'state'), ...argv]);
  }
}
