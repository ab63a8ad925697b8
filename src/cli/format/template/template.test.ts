import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate } from './template.ts';

const DATA = {
  Name: '/web',
  Id: 'abc',
  RestartCount: 0,
  Big: 12345678901,
  State: { Running: true, Paused: false, Status: 'running' },
  Config: { Cmd: ['sh', '-c', 'x'], Env: null, Labels: { 'a.b': '1', z: '<&>' } },
  NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }], '81/udp': null } },
};

const run = (template: string, data: unknown = DATA) => compileTemplate(template).execute(data);

test('fields, maps and lists', () => {
  assert.equal(run('{{.Name}} {{.State.Status}} {{.ID}}'), '/web running abc');
  assert.equal(run('{{.Config.Cmd}} {{.Config.Env}} {{.Config.Labels}}'), '[sh -c x] [] map[a.b:1 z:<&>]');
  assert.equal(run('{{.State}} {{.Big}}'), '{true false running} 12345678901');
  assert.equal(
    run('{{index .Config.Labels "a.b"}}|{{index .Config.Labels "none"}}|{{.Config.Labels.none}}'),
    '1||<no value>',
  );
  assert.equal(run('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}'), '8080');
});

test('conditions', () => {
  assert.equal(run('{{if .State.Running}}up{{else}}down{{end}}'), 'up');
  assert.equal(run('{{if .State.Paused}}1{{else if eq .Name "/web"}}2{{else}}3{{end}}'), '2');
  assert.equal(run('{{if and .State.Running (not .State.Paused)}}yes{{end}}'), 'yes');
  assert.equal(run('{{with .Config.Env}}{{.}}{{else}}none{{end}} {{or "" "x"}} {{and 1 0}}'), 'none x 0');
  assert.equal(run('{{if .State.Health}}{{.State.Health.Status}}{{else}}no health{{end}}'), 'no health');
});

test('ranges and variables', () => {
  assert.equal(run('{{range $i, $c := .Config.Cmd}}{{if $i}}, {{end}}{{$c}}{{end}}'), 'sh, -c, x');
  assert.equal(run('{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}'), 'a.b=1;z=<&>;');
  assert.equal(run('{{range .Config.Env}}x{{else}}none{{end}}'), 'none');
  assert.equal(run('{{range .Config.Cmd}}{{if eq . "-c"}}{{continue}}{{end}}{{.}}{{break}}{{end}}'), 'sh');
  assert.equal(run('{{$x := 1}}{{range .Config.Cmd}}{{$x = .}}{{end}}{{$x}}'), 'x');
  assert.equal(run('{{range .Config.Cmd}}{{$.Name}}{{end}}'), '/web/web/web');
});

test('functions and pipes', () => {
  assert.equal(run('{{.Name | upper | printf "%q"}}'), '"/WEB"');
  assert.equal(
    run('{{join .Config.Cmd " "}} {{len .Config.Cmd}} {{title "abc"}} {{truncate "hello" 2}}'),
    'sh -c x 3 Abc he',
  );
  assert.equal(
    run('{{printf "%s|%5d|%-4s|%05.1f|%t|%x|%v" "a" 3 "x" 2.25 true 255 .Config.Cmd}}'),
    'a|    3|x   |002.3|true|ff|[sh -c x]',
  );
  assert.equal(run('{{json .Config.Labels}} {{json .Config.Env}}'), '{"a.b":"1","z":"<&>"} null');
  assert.equal(run('{{println "a" 1}}{{print 1 2 "x" 3}}'), 'a 1\n1 2x3');
  assert.equal(run('{{eq 1 2 1}} {{ne "a" "b"}} {{lt 1 2}} {{ge 2 3}} {{slice .Name 1 3}}'), 'true true true false we');
  assert.equal(
    run('{{split "a:b" ":"}} {{html "<a>"}} {{urlquery "a b"}} {{pad "x" 1 2}}|'),
    '[a b] &lt;a&gt; a+b  x  |',
  );
});

test('blanks, comments and literals', () => {
  assert.equal(run('a {{- .Name -}}  b{{/* note */}} c {{- /* x */ -}} d'), 'a/webb cd');
  assert.equal(run('{{`raw\\n`}} {{"\\t"}} {{\'a\'}} {{true}} {{0x10}}'), 'raw\\n \t 97 true 16');
});

test('errors are those of text/template', () => {
  const failures: [string, string][] = [
    ['{{.Foo', 'template: :1: unclosed action'],
    ['{{foo}}', 'template: :1: function "foo" not defined'],
    ['{{if}}', 'template: :1: missing value for if'],
    ['{{end}}', 'template: :1: unexpected {{end}}'],
    ['{{if .Name}}', 'template: :1: unexpected EOF'],
    ['{{.Foo}}', 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
    [
      '{{.Config.Cmd.Foo}}',
      'template: :1:9: executing "" at <.Config.Cmd.Foo>: can\'t evaluate field Foo in type interface {}',
    ],
    [
      '{{index .Config.Cmd 10}}',
      'template: :1:2: executing "" at <index .Config.Cmd 10>: error calling index: index out of range: 10',
    ],
    [
      '{{join .Name ","}}',
      'template: :1:7: executing "" at <.Name>: wrong type for value; expected []string; got string',
    ],
  ];
  for (const [template, message] of failures) assert.throws(() => run(template), { message });
});
