import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { startEngine, type TestEngine } from '../harness/index.ts';

/** Something an engine does for a client, and may be killed at any step of. */
export interface Deed<Subject> {
  /** Makes what the deed needs. */
  readonly prepare: () => Promise<Subject>;
  /** Resolves when the engine is through with it. Fails when the engine dies in it. */
  readonly act: (subject: Subject) => Promise<unknown>;
  /** Brings an engine on which `act` was not begun into a state that is sound too, between before and after. */
  readonly halfway?: (subject: Subject) => Promise<unknown>;
  /** What else must hold after the next start, whether the deed was done or not. */
  readonly check?: (subject: Subject) => Promise<unknown>;
}

/** An engine for crash tests, with the images that the deeds use. */
export async function startCrashEngine(): Promise<TestEngine> {
  const engine = await startEngine();
  await engine.load(engine.images.busybox);
  await engine.load(engine.images.settings);
  await engine.takeBaseline();
  return engine;
}

/**
 * Does the deed again and again, the engine being killed at its first step, its second, and so on, until it gets
 * through. After each kill and the next start the machine must be as without the deed, as with it, or as half-way; the
 * containers must work; and once all is removed nothing may be left. Resolves to the number of kills.
 */
export async function killAtEveryStep<Subject>(engine: TestEngine, deed: Deed<Subject>): Promise<number> {
  const sound = await soundStates(engine, deed);
  for (let n = 1; ; n += 1) {
    const subject = await deed.prepare();
    engine.killAtStep(n);
    const failure = await deed.act(subject).then(
      () => undefined,
      (error: unknown) => error,
    );
    engine.steps.disarm();
    const isThrough = engine.steps.seen.length < n;
    if (isThrough && failure !== undefined) throw failure;
    if (!isThrough) await engine.death();
    const step = engine.steps.seen.at(-1);
    const where = isThrough ? 'at no step' : `at step ${n}: ${step?.action} ${step?.subject}`;
    try {
      if (!isThrough) await engine.begin();
      await settled(engine, (found) => assertSound(found, sound));
      await deed.check?.(subject);
      await cleanUp(engine);
    } catch (error) {
      throw new Error(`killed ${where}\n${error instanceof Error ? error.message : error}\n${engine.log}`, {
        cause: error,
      });
    }
    if (isThrough) return n - 1;
  }
}

async function soundStates<Subject>(engine: TestEngine, deed: Deed<Subject>): Promise<string[]> {
  const states: string[] = [];
  const record = async () => void states.push(shape(engine, await engine.leftovers()));
  for (const change of [() => Promise.resolve(), deed.act, ...(deed.halfway ? [deed.halfway] : [])]) {
    const subject = await deed.prepare();
    await change(subject);
    // The next start is part of every way through a crash, and may change names and numbers.
    await engine.restart('SIGKILL');
    await record();
    await cleanUp(engine);
  }
  return states;
}

/** What an engine has, without the ids, names and numbers that differ from time to time. */
function shape(engine: TestEngine, found: readonly string[]): string {
  return found
    .filter((line) => !INSIDE_CONTAINER.test(line))
    .map((line) =>
      line
        .replaceAll(engine.directory, '')
        .replaceAll(/(veth|gt|br-|nat_|to_|\b)[0-9a-f]{7,64}\b/g, '$1ID')
        .replaceAll(/\/l\/[0-9A-Z]{26}\b/g, '/l/LINK')
        .replaceAll(/\d+/g, 'N'),
    )
    .sort()
    .join('\n');
}

/** A container's own files, which are looked at through the API, and the programs that its first process runs as it likes. */
const INSIDE_CONTAINER = /^files: .*\/containers\/[0-9a-f]{64}\/|^processes: \d+ sleep \d+$/;

function assertSound(found: string, sound: readonly string[]): void {
  if (sound.includes(found)) return;
  const [before = '', ...others] = sound;
  assert.equal(found, before, `neither as before nor like one of:\n${others.join('\n---\n')}\nbut:\n${found}\n`);
}

/** Processes and links that are going need a moment to be gone. */
async function settled(engine: TestEngine, check: (found: string) => void): Promise<void> {
  const deadline = Date.now() + SETTLING_TIMEOUT;
  for (;;) {
    try {
      return check(shape(engine, await engine.leftovers()));
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await delay(SETTLING_INTERVAL);
  }
}

/** Milliseconds. */
const SETTLING_TIMEOUT = 3000;
const SETTLING_INTERVAL = 20;

/** Removes every object that tests made, by the API, which shows that all of them are whole; then nothing is left. */
async function cleanUp(engine: TestEngine): Promise<void> {
  for (const { Id } of (await engine.expect(200, 'GET', '/containers/json?all=1')).json<{ Id: string }[]>()) {
    await engine.inspect(Id);
    await engine.expect(204, 'DELETE', `/containers/${Id}?force=1&v=1`);
  }
  for (const { Id, Name } of (await engine.expect(200, 'GET', '/networks')).json<{ Id: string; Name: string }[]>()) {
    if (!PREDEFINED.has(Name)) await engine.expect(204, 'DELETE', `/networks/${Id}`);
  }
  const { Volumes } = (await engine.expect(200, 'GET', '/volumes')).json<{ Volumes: { Name: string }[] | null }>();
  for (const { Name } of Volumes ?? []) await engine.expect(204, 'DELETE', `/volumes/${Name}`);
  for (const { Id } of (await engine.expect(200, 'GET', '/images/json')).json<{ Id: string }[]>()) {
    if (Id !== engine.images.busybox.id && Id !== engine.images.settings.id) {
      await engine.expect(200, 'DELETE', `/images/${Id}?force=1`);
    }
  }
  await settled(engine, (found) => assert.equal(found, '', `left behind:\n${found}`));
}

const PREDEFINED = new Set(['bridge', 'host', 'none']);
