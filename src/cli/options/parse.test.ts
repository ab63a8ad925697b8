import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commaList, list, pairs, text, toggle } from './flag.ts';
import { bytes, integer } from './numbers.ts';
import { HelpRequest, parseArguments, UsageError } from './parse.ts';

const FLAGS = {
  detach: toggle('', { shorthand: 'd' }),
  env: list('', { shorthand: 'e' }),
  interactive: toggle('', { shorthand: 'i' }),
  label: pairs(''),
  last: integer('', { shorthand: 'n', initial: -1 }),
  memory: bytes('', { shorthand: 'm' }),
  name: text(''),
  proxy: toggle('', { initial: true }),
  subnet: commaList(''),
};

test('flags are read in all of their forms', () => {
  const words = [
    '-dieA=1',
    '-e',
    'B',
    '-e=C',
    '--name',
    'x',
    '--name=y',
    '--proxy=false',
    '--label',
    'a=b=c',
    '--subnet',
    '1,2',
  ];
  const { flags, changed } = parseArguments(FLAGS, words);
  assert.deepEqual(flags.env, ['A=1', 'B', 'C']);
  assert.deepEqual([flags.detach, flags.interactive, flags.proxy, flags.name], [true, true, false, 'y']);
  assert.deepEqual([flags.label, flags.subnet, flags.last], [{ a: 'b=c' }, ['1', '2'], -1]);
  assert.ok(changed.has('env') && !changed.has('last'));
});

test('operands may stand between flags, unless the first one ends them', () => {
  assert.deepEqual(parseArguments(FLAGS, ['a', '-d', 'b', '--', '-i']).operands, ['a', 'b', '-i']);
  const parsed = parseArguments(FLAGS, ['-d', 'a', '-i', '--x'], { optionsFirst: true });
  assert.deepEqual(parsed.operands, ['a', '-i', '--x']);
  assert.equal(parsed.flags.interactive, false);
});

test('mistakes get the texts of pflag', () => {
  const cases: [string[], string][] = [
    [['--nope'], 'unknown flag: --nope'],
    [['-dz'], "unknown shorthand flag: 'z' in -z"],
    [['--name'], 'flag needs an argument: --name'],
    [['-de'], "flag needs an argument: 'e' in -e"],
    [['--=x'], 'bad flag syntax: --=x'],
    [
      ['-d=maybe'],
      'invalid argument "maybe" for "-d, --detach" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [['-n', 'x'], 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [['-m', '1zb'], `invalid argument "1zb" for "-m, --memory" flag: invalid suffix: 'zb'`],
  ];
  for (const [words, message] of cases) {
    assert.throws(
      () => parseArguments(FLAGS, words),
      (error) => error instanceof UsageError && error.message === message,
    );
  }
});

test('help can be asked for in two ways', () => {
  assert.throws(() => parseArguments(FLAGS, ['--help']), HelpRequest);
  assert.throws(
    () => parseArguments(FLAGS, ['-h']),
    (error) => error instanceof HelpRequest && error.deprecatedShorthand,
  );
});
