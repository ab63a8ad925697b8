/** `gantry volume ls` */

import type { Volume, VolumeListResponse } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { type ListLayout, labelText, parseListFormat, renderList } from '../../format/list.ts';
import { compareNaturally } from '../../format/natural-order.ts';
import { filterFlag, filterQuery } from '../../options/filters.ts';
import { text, toggle } from '../../options/flag.ts';

const NOT_AVAILABLE = 'N/A';

const LAYOUT: ListLayout<Volume> = {
  typeName: 'volumeContext',
  table: '{{.Driver}}\t{{.Name}}',
  headers: {
    Name: 'VOLUME NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    Mountpoint: 'MOUNTPOINT',
    Labels: 'LABELS',
    Links: 'LINKS',
    Size: 'SIZE',
    Status: 'STATUS',
    Group: 'GROUP',
    Availability: 'AVAILABILITY',
  },
  columns: (volume) => ({
    Name: volume.Name,
    Driver: volume.Driver,
    Scope: volume.Scope,
    Mountpoint: volume.Mountpoint,
    Labels: labelText(volume.Labels),
    Label: (name: unknown) => volume.Labels?.[String(name)] ?? '',
    Links: NOT_AVAILABLE,
    Size: NOT_AVAILABLE,
    Status: NOT_AVAILABLE,
    Group: NOT_AVAILABLE,
    Availability: NOT_AVAILABLE,
  }),
};

export const command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    filter: filterFlag('Only volumes that match (name=value)'),
    format: text("Format with 'table', 'table TEMPLATE', 'json' or a Go template"),
    quiet: toggle('Show names only', { shorthand: 'q' }),
  },
  async run(session, { flags }) {
    const given = flags.format || (flags.quiet ? '{{.Name}}' : (session.config.volumesFormat ?? ''));
    const format = parseListFormat(flags.quiet && given === 'table' ? '{{.Name}}' : given, LAYOUT.table);
    const query = { filters: filterQuery(flags.filter) };
    const { Volumes } = await session.client.json<VolumeListResponse>('GET', '/volumes', { query });
    const sorted = [...(Volumes ?? [])].sort((a, b) => compareNaturally(a.Name, b.Name));
    session.output.out(renderList(format, LAYOUT, sorted));
    return 0;
  },
});
