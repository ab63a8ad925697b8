import type { Containers } from '../../containers/index.ts';
import type { NetworkCreateBody, NetworkInspect } from '../../contract/docker/index.ts';
import type { Network, Networks } from '../../networks/index.ts';
import { type Exchange, type Route, route } from '../http/index.ts';
import { parseFilters } from './filters.ts';
import { networkFilter } from './network-filter.ts';
import {
  type NetworkConnectBody,
  type NetworkDisconnectBody,
  networkConnect,
  networkCreate,
  networkDisconnect,
} from './shapes.ts';

/** The routes of the network resource. */
export function networkRoutes(networks: Networks, containers: Pick<Containers, 'connect' | 'disconnect'>): Route[] {
  return [
    route('GET', '/networks', (exchange) => {
      const isWanted = networkFilter(parseFilters(exchange));
      // The list leaves the members out, as dockerd's does.
      const found = networks.list().filter(isWanted);
      exchange.sendJson(
        200,
        found.map((network) => ({ ...render(network), Containers: {} })),
      );
    }),
    route('POST', '/networks/create', (exchange) => create(networks, exchange)),
    route('GET', '/networks/:id', (exchange) => {
      exchange.sendJson(200, render(networks.get(exchange.parameter('id'))));
    }),
    route('DELETE', '/networks/:id', async (exchange) => {
      await networks.remove(exchange.parameter('id'));
      exchange.sendStatus(204);
    }),
    route('POST', '/networks/:id/connect', async (exchange) => {
      const body = await exchange.requiredJson<NetworkConnectBody>(networkConnect);
      await containers.connect(exchange.parameter('id'), body.Container, body.EndpointConfig);
      exchange.sendStatus(200);
    }),
    route('POST', '/networks/:id/disconnect', async (exchange) => {
      const body = await exchange.requiredJson<NetworkDisconnectBody>(networkDisconnect);
      await containers.disconnect(exchange.parameter('id'), body.Container, body.Force);
      exchange.sendStatus(200);
    }),
  ];
}

async function create(networks: Networks, exchange: Exchange): Promise<void> {
  const body = await exchange.requiredJson<NetworkCreateBody>(networkCreate);
  const network = await networks.create({
    name: body.Name,
    ...(body.Driver && { driver: body.Driver }),
    internal: body.Internal === true,
    attachable: body.Attachable === true,
    enableIpv6: body.EnableIPv6 === true,
    ipam: {
      ...(body.IPAM?.Driver && { driver: body.IPAM.Driver }),
      options: body.IPAM?.Options ?? null,
      config: (body.IPAM?.Config ?? []).map((pool) => ({
        ...(pool.Subnet && { subnet: pool.Subnet }),
        ...(pool.IPRange && { ipRange: pool.IPRange }),
        ...(pool.Gateway && { gateway: pool.Gateway }),
      })),
    },
    options: body.Options ?? null,
    labels: body.Labels ?? null,
  });
  exchange.sendJson(201, { Id: network.id, Warning: '' });
}

function render(network: Network): NetworkInspect {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: true,
    EnableIPv6: network.enableIpv6,
    IPAM: {
      Driver: network.ipam.driver,
      Options: network.ipam.options,
      Config:
        network.ipam.config?.map((pool) => ({
          ...(pool.subnet && { Subnet: pool.subnet }),
          ...(pool.ipRange && { IPRange: pool.ipRange }),
          ...(pool.gateway && { Gateway: pool.gateway }),
        })) ?? null,
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      network.members.map((member) => [
        member.containerId,
        {
          Name: member.name,
          EndpointID: member.endpointId,
          MacAddress: member.macAddress,
          IPv4Address: member.ipv4Address,
          IPv6Address: '',
        },
      ]),
    ),
    Options: { ...network.options },
    Labels: { ...network.labels },
  };
}
