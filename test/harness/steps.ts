import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One step an engine announced while it was watched. */
export interface SeenStep {
  /** 0 is the main thread. */
  readonly thread: number;
  readonly action: string;
  readonly subject: string;
}

/** Watches an engine's steps from outside, and has it killed at one of them. See kill-at-step.ts for the other side. */
export class StepWatch {
  readonly #directory: string;

  /** `directory` exists, is writable and belongs to this engine alone. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What the engine has to be started with. */
  get nodeOptions(): string[] {
    return ['--import', fileURLToPath(new URL('./kill-at-step.ts', import.meta.url))];
  }

  get environment(): Record<string, string> {
    return { GANTRY_STEPS_DIR: this.#directory };
  }

  /** Starts counting from 1; the engine dies at step `killAt`, or at none (0). */
  arm(killAt = 0): void {
    this.disarm();
    for (const file of ['steps', 'count']) rmSync(join(this.#directory, file), { force: true });
    writeFileSync(join(this.#directory, 'arm'), String(killAt));
  }

  disarm(): void {
    rmSync(join(this.#directory, 'arm'), { force: true });
  }

  /** The steps since the last `arm`, the fatal one last. */
  get seen(): SeenStep[] {
    try {
      const text = readFileSync(join(this.#directory, 'steps'), 'utf8');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as SeenStep);
    } catch {
      return [];
    }
  }
}
