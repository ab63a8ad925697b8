import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from './command-table.ts';
import { commandHelp, flagLines } from './help.ts';
import { list, text, toggle } from './options/flag.ts';

test('options are sorted, aligned and wrapped', () => {
  const flags = {
    name: text('A name', { initial: 'x' }),
    all: toggle('Show all of them, whatever state they may be in at the moment of asking', { shorthand: 'a' }),
    secret: toggle('never seen', { hidden: true }),
    host: list('Where', { shorthand: 'h' }),
  };
  assert.deepEqual(flagLines(flags), [
    '  -a, --all           Show all of them, whatever state they may be in at',
    '                      the moment of asking',
    '      --help          Print usage',
    '  -h, --host list     Where',
    '      --name string   A name (default "x")',
  ]);
});

test('every command of the table loads and has a help page no wider than a terminal', async () => {
  const paths = COMMANDS.flatMap((entry) => entry.paths);
  assert.equal(new Set(paths).size, paths.length);
  for (const entry of COMMANDS) {
    const { command } = await entry.load();
    const page = commandHelp(entry, command, `gantry ${entry.paths[0]}`, 'gantry');
    const options = page.split('Options:\n')[1]?.split('\n') ?? [];
    for (const line of options) assert.ok(line.length <= 80, `${entry.paths[0]}: ${line}`);
    const shorthands = Object.values(command.flags).flatMap((flag) =>
      flag.shorthand === undefined ? [] : [flag.shorthand],
    );
    assert.equal(new Set(shorthands).size, shorthands.length, String(entry.paths[0]));
  }
});
