import type { Containers } from '../../containers/index.ts';
import type { VolumeCreateBody } from '../../contract/docker/index.ts';
import type { Volumes } from '../../volumes/index.ts';
import { type Route, route } from '../http/index.ts';
import { parseFilters } from './filters.ts';
import { volumeCreate } from './shapes.ts';

/** The routes of the volume resource. */
export function volumeRoutes(volumes: Volumes, containers: Pick<Containers, 'usersOfVolume'>): Route[] {
  return [
    route('GET', '/volumes', (exchange) => {
      const found = volumes.list(
        Object.fromEntries(parseFilters(exchange)),
        (name) => containers.usersOfVolume(name).length > 0,
      );
      exchange.sendJson(200, { Volumes: found, Warnings: null });
    }),
    route('POST', '/volumes/create', async (exchange) => {
      const body = await exchange.requiredJson<VolumeCreateBody>(volumeCreate);
      const volume = await volumes.create({
        name: body.Name ?? '',
        driver: body.Driver ?? '',
        options: body.DriverOpts ?? null,
        labels: body.Labels ?? null,
      });
      exchange.sendJson(201, volume);
    }),
    route('GET', '/volumes/:name', (exchange) => {
      exchange.sendJson(200, volumes.inspect(exchange.parameter('name')));
    }),
    route('DELETE', '/volumes/:name', async (exchange) => {
      const name = exchange.parameter('name');
      await volumes.remove(name, { force: exchange.flag('force'), users: containers.usersOfVolume(name) });
      exchange.sendStatus(204);
    }),
  ];
}
