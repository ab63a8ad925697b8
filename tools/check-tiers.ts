/**
 * Holds the sources to the tiers: `node tools/check-tiers.ts`. With `--write` it also brings ARCHITECTURE.md's table up to
 * date. Type-only imports count for tiers and faces, not for cycles and
 * doors.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Import, readImports } from './imports.ts';
import { DOOR_EXEMPTIONS, DOORS, FOLDERS, type Folder, renderTierTable } from './tiers.ts';

const ROOT = join(import.meta.dirname, '..');
const ARCHITECTURE = join(ROOT, 'ARCHITECTURE.md');
const TABLE = /(<!-- tiers: made by tools\/check-tiers\.ts --write -->\n)[\s\S]*?(\n<!-- end of tiers -->)/;

/** What is wrong with the given imports, one line each. */
export function findViolations(imports: readonly Import[]): string[] {
  return [
    ...imports.flatMap((item) => (item.isPackage ? violatesDoor(item) : violatesTier(item))),
    ...unusedExemptions(imports),
    ...findCycles(imports).map((cycle) => `import cycle: ${cycle.join(' → ')}`),
  ];
}

function folderOf(file: string): Folder | undefined {
  return FOLDERS.find(({ name }) => file.startsWith(`${name}/`));
}

function isTestFile(file: string): boolean {
  return /\.(test|fixture|contract)\.ts$/.test(file);
}

function violatesDoor({ file, target, isTypeOnly }: Import): string[] {
  const door = DOORS.find(({ modules }) => modules.includes(target));
  if (door === undefined || isTypeOnly || isTestFile(file) || DOOR_EXEMPTIONS.includes(`${file}: ${target}`)) return [];
  if (door.folders.some((name) => file.startsWith(`${name}/`))) return [];
  return [`${file} imports ${target}: only ${door.folders.join(', ')} may`];
}

function unusedExemptions(imports: readonly Import[]): string[] {
  const existing = new Set(imports.map(({ file, target }) => `${file}: ${target}`));
  return DOOR_EXEMPTIONS.filter((line) => !existing.has(line)).map(
    (line) => `tools/tiers.ts exempts "${line}", which no longer exists: remove the line`,
  );
}

function violatesTier({ file, target }: Import): string[] {
  const from = folderOf(file);
  const to = folderOf(target);
  if (from === undefined) return [`${file} is in no folder of tools/tiers.ts`];
  // Tests may reach for the harness, which is outside the sources.
  if (to === undefined)
    return target.startsWith('..') && isTestFile(file) ? [] : [`${file} imports ${target}: no folder`];
  if (from === to) return [];
  const allowed = from.only?.includes(to.name) ?? (to.tier < from.tier || from.beside?.includes(to.name));
  if (!allowed) return [`${file} (T${from.tier}) imports ${target} (T${to.tier})`];
  if (to.faces.includes(target.slice(to.name.length + 1))) return [];
  return [`${file} imports ${target}: other folders go through ${to.name}/${to.faces.join(` or ${to.name}/`)}`];
}

/** Cycles of files that import each other at run time; each is reported once. */
export function findCycles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { file, target, isPackage, isTypeOnly } of imports) {
    if (!isPackage && !isTypeOnly) targets.set(file, [...(targets.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const position = path.indexOf(file);
    if (position !== -1) cycles.push([...path.slice(position), file]);
    if (position !== -1 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return cycles;
}

function compareTable(write: boolean): string[] {
  const text = readFileSync(ARCHITECTURE, 'utf8');
  if (!TABLE.test(text)) return ['ARCHITECTURE.md has no table of tiers between its two markers'];
  const wanted = text.replace(TABLE, (_, begin: string, end: string) => `${begin}${renderTierTable()}${end}`);
  if (wanted === text) return [];
  if (!write)
    return ["ARCHITECTURE.md's table of tiers is not that of tools/tiers.ts: node tools/check-tiers.ts --write"];
  writeFileSync(ARCHITECTURE, wanted);
  return [];
}

if (import.meta.main) {
  const violations = [
    ...findViolations(readImports(join(ROOT, 'src'))),
    ...compareTable(process.argv.includes('--write')),
  ];
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
