/** `gantry history` */

import type { ImageHistoryEntry } from '../../../contract/docker/index.ts';
import { defineCommand } from '../../command.ts';
import { type ListLayout, parseListFormat, renderList } from '../../format/list.ts';
import { ago, ellipsis, humanSize, rfc3339, shortId } from '../../format/units.ts';
import { text, toggle } from '../../options/flag.ts';
import { segment } from '../each.ts';

const CREATED_BY_LENGTH = 45;
const SIZE_DIGITS = 3;

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  operands: { min: 1, max: 1 },
  flags: {
    format: text("Format with 'table', 'table TEMPLATE', 'json' or a Go template"),
    human: toggle('Print sizes and dates for people', { shorthand: 'H', initial: true }),
    'no-trunc': toggle('Do not shorten anything'),
    platform: text('Platform of the image (os[/arch[/variant]])'),
    quiet: toggle('Show IDs only', { shorthand: 'q' }),
  },
  async run(session, { flags, operands }) {
    const layout = historyLayout(!flags['no-trunc'], flags.human);
    const format = parseListFormat(flags.format || (flags.quiet ? '{{.ID}}' : ''), layout.table);
    const entries = await session.client.json<ImageHistoryEntry[]>(
      'GET',
      `/images/${segment(operands[0] ?? '')}/history`,
      {
        query: { platform: flags.platform },
      },
    );
    session.output.out(renderList(format, layout, entries));
    return 0;
  },
});

function historyLayout(truncate: boolean, human: boolean): ListLayout<ImageHistoryEntry> {
  const created = human ? '{{.CreatedSince}}' : '{{.CreatedAt}}';
  return {
    typeName: 'historyContext',
    table: `{{.ID}}\t${created}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
    headers: {
      ID: 'IMAGE',
      CreatedSince: 'CREATED',
      CreatedAt: 'CREATED AT',
      CreatedBy: 'CREATED BY',
      Size: 'SIZE',
      Comment: 'COMMENT',
    },
    columns(entry) {
      const by = entry.CreatedBy.replaceAll('\t', ' ');
      return {
        ID: truncate ? shortId(entry.Id) : entry.Id,
        CreatedAt: entry.Created <= 0 ? 'N/A' : rfc3339(entry.Created),
        CreatedSince: entry.Created <= 0 ? 'N/A' : ago(entry.Created),
        CreatedBy: truncate ? ellipsis(by, CREATED_BY_LENGTH) : by,
        Size: human ? humanSize(entry.Size, SIZE_DIGITS) : String(entry.Size),
        Comment: entry.Comment,
      };
    },
  };
}
