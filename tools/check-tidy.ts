/**
 * Rules of style that neither the formatter nor the linter knows: `node tools/check-tidy.ts`. What breaks one today is in
 * tidy-exemptions.json, which may only shrink.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SCOPE = '{src,test,tools,bench,native}/**/*.{ts,c,h}';

/** What fits in a head; the longest files of the code we take as models are about this long. */
const MAX_FILE_LINES = 400;

interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  readonly where: RegExp;
  readonly instead: string;
}

const EVERYWHERE = /^/;
const TYPESCRIPT = /\.ts$/;
const PRODUCT = /^src\/(?!.*\.(test|fixture|contract)\.ts$)/;

// Words are put together, so that this file does not break its own rules.
const MARKS = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|');

const RULES: readonly Rule[] = [
  { name: 'mark', pattern: new RegExp(`\\b(${MARKS})\\b`), where: EVERYWHERE, instead: 'do it, or open an issue' },
  { name: 'unchecked', pattern: /@ts-(ignore|nocheck|expect-error)/, where: TYPESCRIPT, instead: 'mend the type' },
  {
    name: 'suppression',
    pattern: new RegExp('biome-' + 'ignore'),
    where: TYPESCRIPT,
    instead: 'do what the linter asks',
  },
  {
    name: 'module state',
    pattern: /^(export )?let /,
    where: PRODUCT,
    instead: 'keep state in an object that is passed',
  },
  { name: 'console', pattern: /\bconsole\.\w+\(/, where: PRODUCT, instead: 'use the log (engine) or the output (cli)' },
  {
    name: 'only',
    pattern: /\b(test|it|describe|suite)\.only\(|\bonly: true\b/,
    where: TYPESCRIPT,
    instead: 'run all tests',
  },
  {
    name: 'history',
    pattern: /\/[/*].*\b(no longer|used to be|previously|was renamed|for now)\b/i,
    where: PRODUCT,
    instead: 'say how it is; git knows how it was',
  },
];

/** Breaches found in one file: `rule` to how many; `lines` of a file that is too long. */
export function breachesOf(file: string, text: string): { rule: string; count: number; detail: string }[] {
  const lines = text.split('\n');
  const found = RULES.filter(({ where }) => where.test(file)).flatMap(({ name, pattern, instead }) => {
    const hits = lines.flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
    if (hits.length === 0) return [];
    return [{ rule: name, count: hits.length, detail: `line ${hits.join(', ')}: ${instead}` }];
  });
  const count = lines.length - 1;
  const long = { rule: 'lines', count, detail: `${count} lines, more than ${MAX_FILE_LINES}: split it` };
  return count > MAX_FILE_LINES ? [...found, long] : found;
}

function main(): number {
  const exemptions: Record<string, Record<string, number>> = JSON.parse(
    readFileSync(join(ROOT, 'tools/tidy-exemptions.json'), 'utf8'),
  );
  const problems: string[] = [];
  const unused = new Set(
    Object.entries(exemptions).flatMap(([file, rules]) => Object.keys(rules).map((rule) => `${file}: ${rule}`)),
  );
  for (const file of globSync(SCOPE, { cwd: ROOT, exclude: (name) => name === 'node_modules' || name === 'build' })) {
    for (const { rule, count, detail } of breachesOf(file, readFileSync(join(ROOT, file), 'utf8'))) {
      unused.delete(`${file}: ${rule}`);
      const allowed = exemptions[file]?.[rule] ?? 0;
      if (count > allowed) problems.push(`${file}: ${rule}: ${detail}`);
      else if (count < allowed) problems.push(`${file}: ${rule}: ${count}, lower its exemption of ${allowed}`);
    }
  }
  for (const line of unused) problems.push(`${line}: remove the exemption from tools/tidy-exemptions.json`);
  for (const problem of problems.sort()) process.stderr.write(`${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main();
