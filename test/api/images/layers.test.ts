import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildImage, suiteEngine, tar } from '../../harness/index.ts';

const engine = await suiteEngine();
await engine.load(engine.images.layered);

test('everything a layer can hold is in the container', async () => {
  const { stdout } = await engine.run({
    Image: 'layered',
    Cmd: `cd /opt; stat -c '%n %F %u:%g %a %Y %h' file hard setuid; stat -c '%n %F %t:%T %a' null loop pipe; readlink soft; cat file hard becomes-file added; find . -name 'nnn*' | wc -c; ls opaque; ls -d gone tree 2>&1 | grep -c 'No such'; find / -xdev -name '.wh*' | wc -l`,
  });
  assert.deepEqual(stdout.trim().split('\n'), [
    'file regular file 1000:2000 640 1000000000 2',
    'hard regular file 1000:2000 640 1000000000 2',
    'setuid regular file 0:0 4755 1704067200 1',
    'null character special file 1:3 666',
    'loop block special file 7:0 660',
    'pipe fifo 0:0 644',
    'file',
    'lowerlowernow a fileupper324',
    'seen',
    '2',
    '0',
  ]);
});

test('extended attributes, a file capability among them, are in the layer', async () => {
  const { GraphDriver } = await engine.inspectImage('layered');
  const directory = String(GraphDriver.Data.LowerDir).split(':')[0];
  const { stdout } = await engine.inNetwork(
    'python3',
    '-c',
    `import os; p='${engine.path(String(directory))}/opt/'; print(os.getxattr(p+'capable', 'security.capability').hex(), os.getxattr(p+'attributed', 'user.note').decode())`,
  );
  assert.match(stdout, /^0100000200200000000000000000000000000000 kept\n$/);
});

/** Layers that try to write outside the container's root; none may succeed, whether the load is refused or not. */
const escapes: readonly (readonly [string, Parameters<typeof tar>[0]])[] = [
  ['dots in a path', [{ path: '../../../../../../../../tmp/escaped-NAME', content: 'x' }]],
  ['an absolute path', [{ path: '/tmp/escaped-NAME', content: 'x' }]],
  [
    'a symlink to the root',
    [
      { path: 'link', type: 'symlink', target: '/../../../../../..' },
      { path: 'link/tmp/escaped-NAME', content: 'x' },
    ],
  ],
  ['a hard link to the outside', [{ path: 'hard', type: 'hardlink', target: '../../../../../../../../etc/hostname' }]],
  [
    'a whiteout of the outside',
    [
      { path: 'away', type: 'symlink', target: '/tmp' },
      { path: 'away/.wh.keep-NAME', content: '' },
    ],
  ],
];

for (const [name, entries] of escapes)
  test(`a layer with ${name} touches nothing outside`, async () => {
    const unique = engine.unique('escape');
    const renamed = entries.map((entry) => ({ ...entry, path: entry.path.replace('NAME', unique) }));
    await engine.inNetwork('sh', '-c', `echo kept > ${engine.path(`/tmp/keep-${unique}`)}`);
    const image = buildImage({ tags: [`${unique}:1`], layers: [tar(renamed)] });
    await engine.http('POST', '/images/load?quiet=1', image.archive);
    const { stdout } = await engine.inNetwork('sh', '-c', `ls ${engine.path('/tmp')} | grep ${unique}`);
    assert.equal(stdout, `keep-${unique}\n`);
    await engine.inNetwork('rm', engine.path(`/tmp/keep-${unique}`));
    await engine.http('DELETE', `/images/${unique}:1`);
  });
