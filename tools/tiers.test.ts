import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCycles, findViolations } from './check-tiers.ts';
import { importsOf } from './imports.ts';

function check(file: string, text: string): string[] {
  return findViolations(importsOf(file, text)).filter((line) => !line.startsWith('tools/tiers.ts exempts'));
}

test('imports go to a lower tier, through its public file', () => {
  assert.deepEqual(check('images/pull.ts', "import { a } from '../layers/index.ts';"), []);
  assert.deepEqual(check('images/pull.ts', "import {\n  type A,\n  b,\n} from '../layers/store.ts';"), [
    'images/pull.ts imports layers/store.ts: other folders go through layers/index.ts',
  ]);
  assert.deepEqual(check('layers/a.ts', "import type { A } from '../images/index.ts';"), [
    'layers/a.ts (T2) imports images/index.ts (T3)',
  ]);
  assert.deepEqual(check('layers/a.ts', "export { a } from '../volumes/index.ts';"), [
    'layers/a.ts (T2) imports volumes/index.ts (T2)',
  ]);
});

test('the client knows the wire types and nothing of the engine', () => {
  assert.deepEqual(check('cli/commands/run.ts', "import type { A } from '../../contract/docker/index.ts';"), []);
  assert.equal(check('cli/commands/run.ts', "import { a } from '../../linux/index.ts';").length, 1);
});

test('doors', () => {
  assert.deepEqual(check('registry/a.ts', "import { request } from 'undici';"), []);
  assert.deepEqual(check('networks/a.ts', "import koffi from 'koffi';"), [
    'networks/a.ts imports koffi: only linux may',
  ]);
  assert.deepEqual(check('networks/a.ts', "import type { Server } from 'node:http';"), []);
});

test('cycles count what is imported at run time', () => {
  const imports = (kind: string) => [
    ...importsOf('base/a.ts', "import { b } from './b.ts';"),
    ...importsOf('base/b.ts', `import ${kind}{ a } from './a.ts';`),
  ];
  assert.deepEqual(findCycles(imports('')), [['base/a.ts', 'base/b.ts', 'base/a.ts']]);
  assert.deepEqual(findCycles(imports('type ')), []);
});
