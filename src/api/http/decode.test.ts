import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, decode, integer, integerOf, list, map, nullable, optional, struct, text, words } from './decode.ts';

const inner = struct<{ Memory: number; Swap: number | null; Extra?: string }>('HostConfig', {
  Memory: integer,
  Swap: nullable(integer),
  Extra: optional(text),
});
const outer = struct<{ Name: string; Cmd: string[] | null; Labels: unknown; Host: unknown }>('CreateRequest', {
  Name: text,
  Cmd: words,
  Labels: map(text),
  Host: inner,
});

test('missing fields get Go’s zero values, unknown ones are dropped, names match in any case', () => {
  assert.deepEqual(decode(outer, { name: 'x', Unknown: 1, cmd: 'one', host: { memory: 5 } }), {
    Name: 'x',
    Cmd: ['one'],
    Labels: null,
    Host: { Memory: 5, Swap: null },
  });
});

test('a wrong type is refused with Go’s words', () => {
  assert.throws(() => decode(outer, { Host: { Memory: 'much' } }), {
    kind: 'invalidParameter',
    message: 'invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.Host.Memory of type int64',
  });
  assert.throws(() => decode(inner, { Memory: 1.5 }), { message: /unmarshal number 1\.5 .*Memory of type int64$/ });
  assert.throws(() => decode(integerOf('uint16'), -1), { message: /unmarshal number -1 .*of type uint16$/ });
  assert.throws(() => decode(text, 1.5), { message: /unmarshal number into .*of type string$/ });
  assert.throws(() => decode(list(text), 'x'), { message: /cannot unmarshal string into Go value of type \[\]string/ });
});

test('an array has its length whatever was sent', () => {
  const size = array(integerOf('uint'), 2);
  assert.deepEqual(
    [decode(size, null), decode(size, [7]), decode(size, [1, 2, 3])],
    [
      [0, 0],
      [7, 0],
      [1, 2],
    ],
  );
});
