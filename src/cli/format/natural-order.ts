/** The order of lists of names: runs of digits compare as numbers (`web2` before `web10`). */

/** Compares two names. */
export function compareNaturally(a: string, b: string): number {
  const partsA = a.match(/\d+|\D+/g) ?? [];
  const partsB = b.match(/\d+|\D+/g) ?? [];
  for (const [index, part] of partsA.entries()) {
    const other = partsB[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const numeric = /^\d/.test(part) && /^\d/.test(other);
    const difference = numeric ? Number(part) - Number(other) : 0;
    return difference || (part < other ? -1 : 1);
  }
  return partsA.length - partsB.length;
}
