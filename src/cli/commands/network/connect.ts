/** `gantry network connect` */

import { defineCommand } from '../../command.ts';
import { parseLink } from '../../options/addresses.ts';
import { commaList, cut, list, text } from '../../options/flag.ts';
import { integer } from '../../options/numbers.ts';
import { segment } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK CONTAINER',
  operands: { min: 2, max: 2 },
  flags: {
    alias: commaList('Another name of the container on this network'),
    'driver-opt': commaList('Option of the network driver'),
    'gw-priority': integer('The network with the highest priority provides the default gateway'),
    ip: text('IPv4 address'),
    ip6: text('IPv6 address'),
    link: list('Link to another container', { check: parseLink }),
    'link-local-ip': commaList('Link-local address'),
  },
  async run(session, { flags, operands }) {
    const [network = '', container = ''] = operands;
    await session.client.call('POST', `/networks/${segment(network)}/connect`, {
      json: {
        Container: container,
        EndpointConfig: {
          IPAMConfig: { IPv4Address: flags.ip, IPv6Address: flags.ip6, LinkLocalIPs: flags['link-local-ip'] },
          Links: flags.link,
          Aliases: flags.alias,
          DriverOpts: driverOptions(flags['driver-opt']),
          GwPriority: flags['gw-priority'],
        },
      },
    });
    return 0;
  },
});

function driverOptions(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((option) => {
      const [key, value] = cut(option, '=');
      if (value === undefined || key === '') throw new Error('invalid key/value pair format in driver options');
      return [key.trim().toLowerCase(), value.trim()];
    }),
  );
}
