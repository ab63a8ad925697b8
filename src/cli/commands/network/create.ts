/** `gantry network create` */

import type { NetworkCreateBody, NetworkCreateResponse } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { readLabels } from '../../options/environment.ts';
import { commaList, list, pairs, text, toggle } from '../../options/flag.ts';
import { planPools } from '../../options/pools.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NETWORK',
  operands: { min: 1, max: 1 },
  flags: {
    attachable: toggle('Let containers attach by hand'),
    'aux-address': pairs('Address the network shall not give out (name=address)'),
    'config-from': text('Network to take the configuration from'),
    'config-only': toggle('Create a configuration only'),
    driver: text('Network driver', { shorthand: 'd', initial: 'bridge' }),
    gateway: commaList('Gateway of a subnet'),
    ingress: toggle('Create the ingress network', { hidden: true }),
    internal: toggle('No way out of this network'),
    'ip-range': commaList('Range of a subnet to give addresses from'),
    'ipam-driver': text('Driver of address management', { initial: 'default' }),
    'ipam-opt': pairs('Option of address management'),
    ipv4: toggle('Assign IPv4 addresses', { initial: true }),
    ipv6: toggle('Assign IPv6 addresses'),
    label: list('Set a label'),
    opt: pairs('Option of the driver', { shorthand: 'o' }),
    scope: text('Scope of the network'),
    subnet: commaList('Subnet in CIDR form'),
  },
  async run(session, { flags, changed, operands }) {
    const body: NetworkCreateBody = {
      Name: operands[0] ?? '',
      Driver: flags.driver,
      Scope: flags.scope,
      Internal: flags.internal,
      Attachable: flags.attachable,
      Ingress: flags.ingress,
      ...(changed.has('ipv4') ? { EnableIPv4: flags.ipv4 } : {}),
      ...(changed.has('ipv6') ? { EnableIPv6: flags.ipv6 } : {}),
      IPAM: {
        Driver: flags['ipam-driver'],
        Options: flags['ipam-opt'],
        Config: planPools(flags.subnet, flags['ip-range'], flags.gateway, flags['aux-address']),
      },
      Options: flags.opt,
      Labels: readLabels([], flags.label),
    };
    const configuration = {
      ConfigOnly: flags['config-only'],
      ...(flags['config-from'] === '' ? {} : { ConfigFrom: { Network: flags['config-from'] } }),
    };
    const answer = await session.client.json<NetworkCreateResponse>('POST', '/networks/create', {
      json: { ...body, ...configuration },
    });
    if (answer.Warning) session.output.error(`WARNING: ${answer.Warning}\n`);
    session.output.out(`${answer.Id}\n`);
    return 0;
  },
});
