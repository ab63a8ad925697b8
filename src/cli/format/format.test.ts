import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portText } from './container-list.ts';
import { indentJson, parseExact } from './json-text.ts';
import { type ListLayout, parseListFormat, renderList } from './list.ts';
import { compareNaturally } from './natural-order.ts';
import { alignTabs } from './table.ts';
import { binarySize, ellipsis, goTimeOf, humanDuration, humanSize, rfc3339Nano } from './units.ts';

test('columns are aligned as tabwriter does', () => {
  assert.deepEqual(alignTabs(['A\tB\tC', 'long value\t\tx']), ['A            B         C', 'long value             x']);
});

test('a list as table, template and JSON', () => {
  const layout: ListLayout<{ name: string }> = {
    typeName: 'thing',
    table: '{{.Name}}\t{{.Size}}',
    headers: { Name: 'NAME', Size: 'SIZE' },
    columns: ({ name }) => ({ Name: name, Size: '<1>', Label: (key: unknown) => `label ${key}` }),
  };
  const render = (format: string) => renderList(parseListFormat(format, layout.table), layout, [{ name: 'a' }]);
  assert.equal(render(''), 'NAME      SIZE\na         <1>\n');
  assert.equal(render('table {{.Label "x.y-z"}}'), 'y z\nlabel x.y-z\n');
  assert.equal(render('{{.Name}}\\t{{.Label "b"}}'), 'a\tlabel b\n');
  assert.equal(render('json'), '{"Name":"a","Size":"\\u003c1\\u003e"}\n');
  assert.throws(() => render('{{.Nope}}'), {
    message:
      'failed to execute template: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *formatter.thing',
  });
});

test('sizes and ages', () => {
  assert.deepEqual(
    [0, 999, 1500, 1984172, 2e9].map((size) => humanSize(size, 3)),
    ['0B', '999B', '1.5kB', '1.98MB', '2GB'],
  );
  assert.equal(binarySize(25278332928), '23.54GiB');
  const ages = [0, 1, 59, 60, 120, 3600, 7200, 86400 * 3, 86400 * 20, 86400 * 100, 86400 * 800];
  assert.deepEqual(ages.map(humanDuration), [
    'Less than a second',
    '1 second',
    '59 seconds',
    'About a minute',
    '2 minutes',
    'About an hour',
    '2 hours',
    '3 days',
    '2 weeks',
    '3 months',
    '2 years',
  ]);
});

test('times and texts', () => {
  assert.match(rfc3339Nano(1795231111073661525n), /\.073661525(Z|[+-]\d\d:\d\d)$/);
  assert.equal(goTimeOf('2026-11-21T03:00:51.702179810Z'), '2026-11-21 03:00:51.70217981 +0000 UTC');
  assert.equal(ellipsis('abcdef', 4), 'abc…');
  assert.deepEqual(['a10', 'a2', 'b', 'a'].sort(compareNaturally), ['a', 'a2', 'a10', 'b']);
});

test('ports in ranges and with addresses', () => {
  const port = (PrivatePort: number, rest = {}) => ({ PrivatePort, Type: 'tcp' as const, ...rest });
  assert.equal(portText([port(81), port(80), port(90)]), '80-81/tcp, 90/tcp');
  const published = { IP: '::', PublicPort: 80 };
  assert.equal(
    portText([port(80, published), port(443, { IP: '127.0.0.1', PublicPort: 8443 })]),
    '[::]:80->80/tcp, 127.0.0.1:8443->443/tcp',
  );
});

test('JSON is indented without being parsed', () => {
  assert.equal(
    indentJson('{"b":[],"2":{"x":"a,{\\"b"},"1":[1.50,null]}'),
    '{\n    "b": [],\n    "2": {\n        "x": "a,{\\"b"\n    },\n    "1": [\n        1.50,\n        null\n    ]\n}',
  );
  assert.deepEqual(parseExact('{"t":1795231111073661525,"n":5}'), { t: 1795231111073661525n, n: 5 });
});
