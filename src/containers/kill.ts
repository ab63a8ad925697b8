import { conflict, prefixed } from '../base/index.ts';
import type { ContainerContext } from './context.ts';
import { noteManualStop } from './manual-stop.ts';
import { abandonRestart } from './run.ts';
import { nextExit, sendSignal } from './send-signal.ts';
import { parseSignal, SIGKILL } from './signals.ts';

/**
 * Sends a signal to the container's first process. Throws notFound, conflict if it is not running, invalidParameter for
 * an unknown signal.
 * @param signal name or number; empty: SIGKILL
 */
export async function killContainer(context: ContainerContext, idOrName: string, signal: string): Promise<void> {
  const { container, number } = forKilling(idOrName, () => ({
    container: context.store.get(idOrName),
    number: signal === '' ? SIGKILL : parseSignal(signal),
  }));
  if (container.phase.name === 'restarting') {
    await abandonRestart(context, container);
    return;
  }
  if (container.phase.name !== 'running') {
    throw conflict(`cannot kill container: ${idOrName}: container ${container.id} is not running`);
  }
  const stopSignal = container.record.config.StopSignal;
  // A client that kills with the signal that ends the container wants it ended: no restart (moby `daemon/kill.go`).
  if (number === SIGKILL || number === parseSignal(stopSignal || 'TERM')) await noteManualStop(context, container);
  const ended = number === SIGKILL ? nextExit(container) : Promise.resolve();
  await sendSignal(context, container, number);
  await ended;
}

function forKilling<T>(idOrName: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw prefixed(error, `cannot kill container: ${idOrName}: `);
  }
}
