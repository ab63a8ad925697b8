import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One import, or export from elsewhere, of a source file. */
export interface Import {
  /** The importing file, relative to the sources. */
  readonly file: string;
  /** The imported file, relative to the sources; for a package or a module of Node, its name. */
  readonly target: string;
  readonly isPackage: boolean;
  /** Erased at run time. */
  readonly isTypeOnly: boolean;
}

/** Every import of every TypeScript file below `sources`. */
export function readImports(sources: string): Import[] {
  return globSync('**/*.ts', { cwd: sources })
    .sort()
    .flatMap((file) => importsOf(file, readFileSync(join(sources, file), 'utf8')));
}

// Formatted sources only (biome): a statement begins its line, and its specifier is in single quotes.
const STATEMENT = /^(?:import|export)(?<type>\s+type)?\b(?:[^;'`]*?\bfrom)?\s+'(?<specifier>[^']+)'/gm;
const DYNAMIC = /\bimport\('(?<specifier>[^']+)'\)/g;

/** The imports of one file. */
export function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(STATEMENT), ...text.matchAll(DYNAMIC)].map(({ groups }) => {
    const specifier = groups?.specifier ?? '';
    const isPackage = !specifier.startsWith('.');
    const target = isPackage ? specifier : join(dirname(file), specifier);
    return { file, target, isPackage, isTypeOnly: groups?.type !== undefined };
  });
}
