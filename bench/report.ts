import type { Figure } from './workloads.ts';

/** The values of one figure: by contender, then by round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** A table in Markdown: medians with their range, and the ratios of `subject` to each of the others. */
export function renderTable(subject: string, names: readonly string[], rows: readonly [Figure, Samples][]): string {
  const others = names.filter((name) => name !== subject);
  const head = [
    'workload',
    'unit',
    ...names.map((name) => `${name}: median (min-max)`),
    ...others.map((name) => `${subject}/${name}`),
    'to reach',
  ];
  const lines = rows.map(([figure, samples]) => [
    figure.title,
    figure.unit,
    ...names.map((name) => renderValues(samples.get(name) ?? [], figure.digits)),
    ...others.map((name) => renderRatio(samples.get(subject) ?? [], samples.get(name) ?? [])),
    renderTarget(figure, ratioOf(samples.get(subject) ?? [], samples.get('dockerd') ?? [])),
  ]);
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The median of the ratios of values of the same round, so that what disturbed both of them counts for neither. */
export function ratioOf(values: readonly number[], reference: readonly number[]): number | undefined {
  const ratios = values.flatMap((value, round) => {
    const other = reference[round];
    return other === undefined || other === 0 ? [] : [value / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function renderValues(values: readonly number[], digits: number): string {
  if (values.length === 0) return '-';
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) =>
    value.toFixed(digits),
  );
  return `${middle} (${least}-${most})`;
}

function renderRatio(values: readonly number[], reference: readonly number[]): string {
  return ratioOf(values, reference)?.toFixed(2) ?? '-';
}

function renderTarget({ target }: Figure, ratio: number | undefined): string {
  if (target === undefined) return '';
  const isReached = ratio !== undefined && ('atMost' in target ? ratio <= target.atMost : ratio >= target.atLeast);
  const text = 'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`;
  return ratio === undefined ? text : `${text} ${isReached ? '✓' : '✗'}`;
}
