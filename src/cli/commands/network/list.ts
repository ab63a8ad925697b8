/** `gantry network ls` */

import type { NetworkInspect } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { type ListLayout, labelText, parseListFormat, renderList } from '../../format/list.ts';
import { compareNaturally } from '../../format/natural-order.ts';
import { goTimeOf, shortId } from '../../format/units.ts';
import { filterFlag, filterQuery } from '../../options/filters.ts';
import { text, toggle } from '../../options/flag.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    filter: filterFlag('Only networks that match (name=value)'),
    format: text("Format with 'table', 'table TEMPLATE', 'json' or a Go template"),
    'no-trunc': toggle('Do not shorten anything'),
    quiet: toggle('Show IDs only', { shorthand: 'q' }),
  },
  async run(session, { flags }) {
    const layout = networkLayout(!flags['no-trunc']);
    const given = flags.format || (flags.quiet ? '{{.ID}}' : (session.config.networksFormat ?? ''));
    const format = parseListFormat(flags.quiet && given === 'table' ? '{{.ID}}' : given, layout.table);
    const query = { filters: filterQuery(flags.filter) };
    const networks = await session.client.json<NetworkInspect[]>('GET', '/networks', { query });
    networks.sort((a, b) => compareNaturally(a.Name, b.Name));
    session.output.out(renderList(format, layout, networks));
    return 0;
  },
});

function networkLayout(truncate: boolean): ListLayout<NetworkInspect> {
  return {
    typeName: 'networkContext',
    table: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
    headers: {
      ID: 'NETWORK ID',
      Name: 'NAME',
      Driver: 'DRIVER',
      Scope: 'SCOPE',
      IPv4: 'IPV4',
      IPv6: 'IPV6',
      Internal: 'INTERNAL',
      Labels: 'LABELS',
      CreatedAt: 'CREATED AT',
    },
    columns: (network) => ({
      ID: truncate ? shortId(network.Id) : network.Id,
      Name: network.Name,
      Driver: network.Driver,
      Scope: network.Scope,
      IPv4: String(network.EnableIPv4),
      IPv6: String(network.EnableIPv6),
      Internal: String(network.Internal),
      Labels: labelText(network.Labels),
      Label: (name: unknown) => network.Labels?.[String(name)] ?? '',
      CreatedAt: goTimeOf(network.Created),
    }),
  };
}
