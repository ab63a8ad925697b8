/** `gantry port` */

import type { ContainerInspect, PortBinding } from '../../../contract/docker/index.ts';
import { defineCommand, ExitError } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { cut } from '../../options/flag.ts';
import { parseUnsigned } from '../../options/numbers.ts';
import { containerSegment } from '../each.ts';

const PORT_BITS = 16;

export const command = defineCommand({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  operands: { min: 1, max: 2 },
  flags: {},
  async run(session, { operands }) {
    const [name = '', wanted] = operands;
    const container = await session.client.json<ContainerInspect>('GET', `/containers/${containerSegment(name)}/json`);
    const ports = container.NetworkSettings.Ports ?? {};
    const lines = wanted === undefined ? allPorts(ports) : onePort(ports, wanted, name);
    if (lines.length > 0) session.output.out(`${lines.join('\n')}\n`);
    return 0;
  },
});

type Ports = ContainerInspect['NetworkSettings']['Ports'];

function allPorts(ports: Ports): string[] {
  return Object.entries(ports)
    .flatMap(([port, bindings]) => (bindings ?? []).map((binding) => ({ port, address: address(binding) })))
    .sort((a, b) => comparePorts(a.port, b.port) || (a.address < b.address ? -1 : 1))
    .map(({ port, address }) => `${port} -> ${address}`);
}

function onePort(ports: Ports, wanted: string, name: string): string[] {
  const [number, protocol] = cut(wanted, '/');
  try {
    parseUnsigned(number, PORT_BITS);
  } catch (error) {
    throw new ExitError(`Error: invalid port (${number}): ${messageOf(error)}`, 1);
  }
  const bindings = ports[`${number}/${protocol ?? 'tcp'}`];
  if (!bindings) throw new ExitError(`Error: No public port '${wanted}' published for ${name}`, 1);
  return bindings.map(address).sort();
}

function address(binding: PortBinding): string {
  return `${binding.HostIp.includes(':') ? `[${binding.HostIp}]` : binding.HostIp}:${binding.HostPort}`;
}

function comparePorts(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : a > b ? 1 : 0);
}
