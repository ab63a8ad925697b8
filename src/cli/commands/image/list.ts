/** `gantry images` */

import type { ImageSummary } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { imageLayout, imageRows } from '../../format/image-list.ts';
import { parseListFormat, renderList } from '../../format/list.ts';
import { shortId } from '../../format/units.ts';
import { filterFlag, filterQuery } from '../../options/filters.ts';
import { text, toggle } from '../../options/flag.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  operands: { min: 0, max: 1 },
  flags: {
    all: toggle('Show intermediate images too', { shorthand: 'a' }),
    digests: toggle('Show digests'),
    filter: filterFlag('Only images that match (name=value)'),
    format: text("Format with 'table', 'table TEMPLATE', 'json' or a Go template"),
    'no-trunc': toggle('Do not shorten anything'),
    quiet: toggle('Show IDs only', { shorthand: 'q' }),
  },
  async run(session, { flags, operands }) {
    const given = flags.format || (flags.quiet ? '' : (session.config.imagesFormat ?? ''));
    const layout = imageLayout({ truncate: !flags['no-trunc'], digests: flags.digests });
    const format = parseListFormat(given, layout.table);
    const filters = operands.map((reference): [string, string] => ['reference', reference]);
    const images = await session.client.json<ImageSummary[]>('GET', '/images/json', {
      query: { all: flags.all, filters: filterQuery([...flags.filter, ...filters]) },
    });
    const rows = imageRows(images, flags.digests || given.includes('.Digest'));
    if (flags.quiet && (given === '' || given === 'table')) {
      session.output.out(rows.map(({ image }) => `${flags['no-trunc'] ? image.Id : shortId(image.Id)}\n`).join(''));
      return 0;
    }
    session.output.out(renderList(format, layout, rows));
    return 0;
  },
});
