/** Bundles the programs into dist/: `node tools/build.ts`. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** The bundles, by name. A worker's has the name of its source, beside the engine's: that is where the engine looks. */
const ENTRIES = {
  gantryd: 'src/engine/main.ts',
  gantry: 'src/cli/main.ts',
  'kernel-worker': 'src/linux/kernel-worker.ts',
  'confined-worker': 'src/engine/confined-worker.ts',
  'start-engine': 'tools/start-engine.ts',
};

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

await build({
  absWorkingDir: ROOT,
  entryPoints: ENTRIES,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  mainFields: ['module', 'main'],
  // koffi's native part is found by its place in node_modules.
  external: ['koffi'],
  // Whitespace and names stay, for readable stack traces.
  minifySyntax: true,
  define: { GANTRY_VERSION: JSON.stringify(version), GANTRY_COMMIT: JSON.stringify(commit()) },
  // CommonJS dependencies call require() for Node's own modules, which an ES module does not have.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown'; // not a git checkout, or no git
  }
}
