import { conflict } from '../base/index.ts';
import { announce } from './announce.ts';
import type { ContainerContext } from './context.ts';

/** Sets the size of the container's terminal. Throws conflict if it does not run. */
export function resizeContainer(context: ContainerContext, idOrName: string, rows: number, columns: number): void {
  const container = context.store.get(idOrName);
  if (container.phase.name !== 'running') throw conflict(`container ${container.id} is not running`);
  container.process?.resize(rows, columns);
  announce(context, container, 'resize', { height: String(rows), width: String(columns) });
}
