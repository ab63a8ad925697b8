/** `gantry ps` */

import type { ContainerSummary } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { containerLayout } from '../../format/container-list.ts';
import { parseListFormat, renderList } from '../../format/list.ts';
import { shortId } from '../../format/units.ts';
import { filterFlag, filterQuery } from '../../options/filters.ts';
import { text, toggle } from '../../options/flag.ts';
import { integer } from '../../options/numbers.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    all: toggle('Show all containers, not only running ones', { shorthand: 'a' }),
    filter: filterFlag('Only containers that match (name=value)'),
    format: text("Format with 'table', 'table TEMPLATE', 'json' or a Go template"),
    last: integer('Show the n containers created last, in any state', { shorthand: 'n', initial: -1 }),
    latest: toggle('Show the container created last, in any state', { shorthand: 'l' }),
    'no-trunc': toggle('Do not shorten anything'),
    quiet: toggle('Show IDs only', { shorthand: 'q' }),
    size: toggle('Show the sizes of their files', { shorthand: 's' }),
  },
  async run(session, { flags }) {
    const given = flags.format || (flags.quiet ? '' : (session.config.psFormat ?? ''));
    const layout = containerLayout({ truncate: !flags['no-trunc'], size: flags.size });
    const format = parseListFormat(given, layout.table);
    const last = flags.latest ? 1 : flags.last;
    const containers = await session.client.json<ContainerSummary[]>('GET', '/containers/json', {
      query: {
        all: flags.all,
        limit: last > 0 ? last : undefined,
        // The engine counts sizes only when somebody looks at them: that means reading whole trees.
        size: flags.size || /\.Size\b|json \./.test(given),
        filters: filterQuery(flags.filter),
      },
    });
    if (flags.quiet) {
      if (given !== '') {
        session.output.error('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
      }
      const ids = containers.map(({ Id }) => `${flags['no-trunc'] ? Id : shortId(Id)}\n`);
      session.output.out(ids.join(''));
      return 0;
    }
    session.output.out(renderList(format, layout, containers));
    return 0;
  },
});
