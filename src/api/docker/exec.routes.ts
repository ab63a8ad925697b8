import type { Containers } from '../../containers/index.ts';
import type { ExecConfig, ExecStartBody } from '../../contract/docker/index.ts';
import { type Exchange, type Route, route } from '../http/index.ts';
import { hijackedStream } from './client-stream.ts';
import { execCreate, execStart } from './shapes.ts';

/** The routes of the exec resource. */
export function execRoutes(containers: Containers): Route[] {
  return [
    route('POST', '/containers/:id/exec', async (exchange) => {
      const config = await exchange.requiredJson<ExecConfig>(execCreate);
      const id = containers.createExec(exchange.parameter('id'), config);
      exchange.sendJson(201, { Id: id });
    }),
    route('POST', '/exec/:id/start', (exchange) => start(containers, exchange)),
    route('POST', '/exec/:id/resize', (exchange) => {
      const number = (name: string) => Number(exchange.query.get(name) ?? 0);
      containers.resizeExec(exchange.parameter('id'), number('h'), number('w'));
      exchange.sendStatus(200);
    }),
    route('GET', '/exec/:id/json', (exchange) => {
      exchange.sendJson(200, containers.inspectExec(exchange.parameter('id')));
    }),
  ];
}

async function start(containers: Containers, exchange: Exchange): Promise<void> {
  const body = await exchange.json<ExecStartBody>(execStart);
  const id = exchange.parameter('id');
  const terminal = containers.execHasTerminal(id);
  const options = { terminal, consoleSize: body.ConsoleSize };
  if (body.Detach === true) {
    await containers.startExec(id, options, undefined);
    exchange.sendStatus(200);
    return;
  }
  await containers.startExec(id, options, () => hijackedStream(exchange, terminal));
}
