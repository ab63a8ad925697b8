import { formatTime, messageOf, parseTime } from '../base/index.ts';
import { announce } from './announce.ts';
import type { Container, Exit } from './container.ts';
import type { ContainerContext } from './context.ts';
import { launch } from './launch.ts';
import type { ContainerProcess } from './process.ts';
import { removeEnded } from './remove.ts';
import { planRestart } from './restart-policy.ts';
import { writeState } from './state-files.ts';
import { forgetRun, takeDown } from './take-down.ts';

/** Exit code of a container whose end nobody saw (dockerd's choice too). */
export const LOST_EXIT_CODE = 255;

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/**
 * Starts the container and watches over it from then on. Call inside the container's queue.
 * @param restartDelayMs the pause its restart policy made before this start; 0 for a start by hand
 */
export async function run(context: ContainerContext, container: Container, restartDelayMs: number): Promise<void> {
  const process = await launch(context, container);
  supervise(context, container, process, restartDelayMs);
}

/** Watches a running process to its end and acts on it. Returns at once and never throws: nobody waits for it. */
export function supervise(
  context: ContainerContext,
  container: Container,
  process: ContainerProcess,
  restartDelayMs: number,
): void {
  process.onOom(() => announce(context, container, 'oom'));
  process.exited
    .catch((error): Exit => {
      // Without its shim a container has no streams, no log and no witness of its end: it is ended here.
      context.log.error({ container: container.id, error: messageOf(error) }, 'the shim of a container was lost');
      return { code: LOST_EXIT_CODE, at: context.clock.now(), oomKilled: false };
    })
    .then((exit) => context.queue.run(container.id, () => handleExit(context, container, exit, restartDelayMs)))
    .catch((error) => context.log.error({ container: container.id, error }, 'the end of a container was not handled'));
}

/**
 * Takes down what a run used, records its end, and restarts or removes the container as its policy says.
 * Call inside the container's queue.
 */
export async function handleExit(
  context: ContainerContext,
  container: Container,
  exit: Exit,
  restartDelayMs: number,
): Promise<void> {
  const { record } = container;
  const ranFor = exit.at - (parseTime(record.lastRun.startedAt) ?? exit.at);
  const restart = planRestart(record.hostConfig.RestartPolicy, {
    code: exit.code,
    ranForMs: Number(ranFor / NANOSECONDS_PER_MILLISECOND),
    manuallyStopped: record.manuallyStopped,
    restarts: record.restartCount,
    previousDelayMs: restartDelayMs,
  });
  await takeDown(context, container).catch((error) =>
    context.log.error({ container: container.id, error }, 'a container was not taken down whole'),
  );
  const { at, code: exitCode, oomKilled } = exit;
  record.lastRun = { ...record.lastRun, finishedAt: formatTime(at), exitCode, oomKilled };
  container.enter({ name: restart ? 'restarting' : 'exited' });
  const removesItself = record.hostConfig.AutoRemove && !restart && !container.keepsItself;
  if (!removesItself) {
    // A full disk must not hide the end: memory has it, and the next start reads the shim's record or assumes the worst.
    await writeState(context.directories.containers, record).catch((error) =>
      context.log.error({ container: container.id, error: messageOf(error) }, 'the end of a container was not written'),
    );
  }
  await forgetRun(context, container);
  announce(context, container, 'die', {
    execDuration: String(ranFor / NANOSECONDS_PER_SECOND),
    exitCode: String(exitCode),
  });
  container.notify('not-running', exit);
  container.notify('next-exit', exit);
  if (restart) scheduleRestart(context, container, restart.delayMs);
  else if (removesItself) await removeEnded(context, container, { volumes: true });
}

/** Starts the container again after `delayMs`, unless it is stopped, started or removed before. */
export function scheduleRestart(context: ContainerContext, container: Container, delayMs: number): void {
  const restart = async () => {
    if (container.phase.name !== 'restarting') return;
    container.record.restartCount += 1;
    await run(context, container, delayMs);
  };
  const timer = setTimeout(() => {
    container.cancelRestart = undefined;
    context.queue.run(container.id, restart).catch(async (error) => {
      context.log.error({ container: container.id, error }, 'a container did not restart');
      await abandonRestart(context, container);
    });
  }, delayMs);
  container.cancelRestart = () => {
    clearTimeout(timer);
    container.cancelRestart = undefined;
  };
}

/** Gives up a pending restart: the container stays ended. */
export async function abandonRestart(context: ContainerContext, container: Container): Promise<void> {
  container.cancelRestart?.();
  if (container.phase.name !== 'restarting') return;
  container.enter({ name: 'exited' });
  await writeState(context.directories.containers, container.record);
  container.notify('not-running', { code: container.record.lastRun.exitCode });
}
