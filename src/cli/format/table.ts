/** Columns aligned as Go's tabwriter aligns them with docker's settings. */

/** How wide columns are. */
export interface TableLayout {
  /** No column is narrower. */
  readonly minimum: number;
  /** Blanks behind the widest cell of a column. */
  readonly padding: number;
}

/** The layout of docker's lists. */
export const LIST_LAYOUT: TableLayout = { minimum: 10, padding: 3 };
/** The layout of `docker top`. */
export const TOP_LAYOUT: TableLayout = { minimum: 20, padding: 3 };

/** Aligns lines whose cells are separated by tabs. The last cell of a line is not padded. */
export function alignTabs(lines: readonly string[], layout: TableLayout = LIST_LAYOUT): string[] {
  const rows = lines.map((line) => line.split('\t'));
  const widths: number[][] = rows.map(() => []);
  const columns = Math.max(0, ...rows.map((row) => row.length - 1));
  for (let column = 0; column < columns; column++) {
    // A column is a run of consecutive lines that have a cell there.
    for (let start = 0; start < rows.length; ) {
      let end = start;
      let widest = 0;
      for (; end < rows.length && (rows[end]?.length ?? 0) > column + 1; end++) {
        widest = Math.max(widest, textWidth(rows[end]?.[column] ?? ''));
      }
      const width = Math.max(widest + layout.padding, layout.minimum);
      for (let row = start; row < end; row++) widths[row]?.push(width);
      start = end + 1;
    }
  }
  return rows.map((row, index) =>
    row
      .map((cell, column) => {
        const width = column === row.length - 1 ? 0 : (widths[index]?.[column] ?? 0);
        return cell + ' '.repeat(Math.max(0, width - textWidth(cell)));
      })
      .join(''),
  );
}

const textWidth = (text: string) => (/^[\x20-\x7e]*$/.test(text) ? text.length : [...text].length);
