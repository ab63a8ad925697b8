/** Numbers of CPUs and memory nodes as the kernel lists them: `0-3,6` (cpuset(7), "List format"). */

/** Highest number that is believed: more than any kernel has, and little enough to list (moby `parsers.ParseUintListMaximum`). */
const MAX_ID = 8192;

/** The numbers that `text` lists. Throws what is wrong with it, in dockerd's words, as a plain Error. */
export function parseIdList(text: string): ReadonlySet<number> {
  const ids = new Set<number>();
  if (text === '') return ids;
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (match === null || last < first) throw new Error(`invalid format: ${text}`);
    if (last > MAX_ID) throw new Error(`value of out range, maximum is ${MAX_ID}`);
    for (let id = first; id <= last; id += 1) ids.add(id);
  }
  return ids;
}
