import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { FIXED_TIME, type TarEntry, tar } from './tar.ts';

/** The part of an image's configuration that tests set (OCI image configuration, `config`). */
export interface ImageSettings {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

/** What an image is made of. */
export interface ImageRecipe {
  readonly tags: readonly string[];
  readonly layers: readonly Buffer[];
  readonly settings?: ImageSettings;
  readonly architecture?: string;
}

/** An image ready to be loaded or pushed. */
export interface BuiltImage {
  readonly tags: readonly string[];
  /** `sha256:…` of the configuration: the image's ID. */
  readonly id: string;
  readonly config: Buffer;
  /** Uncompressed layer archives, lowest first. */
  readonly layers: readonly Buffer[];
  readonly diffIds: readonly string[];
  /** The docker-archive that `POST /images/load` takes. */
  readonly archive: Buffer;
}

/** `sha256:` and the lower-case hexadecimal hash. */
export function digest(content: Buffer | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Makes an image of layers and settings; the same recipe always gives the same bytes. */
export function buildImage(recipe: ImageRecipe): BuiltImage {
  const created = new Date(FIXED_TIME * 1000).toISOString();
  const diffIds = recipe.layers.map(digest);
  const config = Buffer.from(
    JSON.stringify({
      architecture: recipe.architecture ?? 'amd64',
      config: recipe.settings ?? {},
      created,
      history: diffIds.map((_, index) => ({ created, created_by: `layer ${index}`, comment: 'test image' })),
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const id = digest(config);
  const image = { tags: recipe.tags, id, config, layers: recipe.layers, diffIds };
  return { ...image, archive: imageArchive([image]) };
}

/** A docker-archive of several images, as `docker save a b` writes it. */
export function imageArchive(images: readonly Omit<BuiltImage, 'archive'>[]): Buffer {
  const entries = new Map<string, TarEntry>();
  const manifest = images.map(({ tags, id, config, layers, diffIds }) => {
    const Config = `${id.slice('sha256:'.length)}.json`;
    entries.set(Config, { path: Config, content: config });
    const Layers = layers.map((layer, index) => {
      const path = `${diffIds[index]?.slice('sha256:'.length)}/layer.tar`;
      entries.set(path, { path, content: layer });
      return path;
    });
    return { Config, RepoTags: tags, Layers };
  });
  return tar([...entries.values(), { path: 'manifest.json', content: JSON.stringify(manifest) }]);
}

/** Where Debian's busybox-static puts it. */
const BUSYBOX = '/usr/bin/busybox';

const ACCOUNTS = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
tester:x:1000:1000:tester:/home/tester:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const GROUPS = `root:x:0:
daemon:x:1:
tty:x:5:
www-data:x:33:
tester:x:1000:
extra:x:2000:tester
nogroup:x:65534:
`;

/** A root file system with every applet of busybox, some accounts, and nothing else. */
export function busyboxLayer(): Buffer {
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const directories = ['bin', 'etc', 'home', 'home/tester', 'root', 'tmp', 'usr', 'usr/sbin', 'var', 'var/www'];
  return tar([
    ...directories.map(
      (path): TarEntry => ({
        path: `${path}/`,
        type: 'directory',
        ...(path === 'tmp' ? { mode: 0o1777 } : {}),
        ...(path === 'home/tester' ? { uid: 1000, gid: 1000 } : {}),
      }),
    ),
    { path: 'bin/busybox', mode: 0o755, content: readFileSync(BUSYBOX) },
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet): TarEntry => ({ path: `bin/${applet}`, type: 'symlink', target: 'busybox', mode: 0o777 })),
    { path: 'etc/passwd', content: ACCOUNTS },
    { path: 'etc/group', content: GROUPS },
  ]);
}

/** Capability bits as the kernel's `security.capability` attribute, version 2: cap_net_raw, permitted and effective. */
export const NET_RAW_CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** A name of 200 bytes in a path longer than any field of a plain tar header. */
export const LONG_PATH = `opt/${'d'.repeat(120)}/${'n'.repeat(200)}`;

/** Everything a layer can hold, to be changed by the layer above it. */
const EVERYTHING: readonly TarEntry[] = [
  { path: 'opt/', type: 'directory' },
  { path: 'opt/file', content: 'lower', uid: 1000, gid: 2000, mode: 0o640, mtime: 1_000_000_000 },
  { path: 'opt/hard', type: 'hardlink', target: 'opt/file', uid: 1000, gid: 2000, mode: 0o640, mtime: 1_000_000_000 },
  { path: 'opt/soft', type: 'symlink', target: 'file', mode: 0o777 },
  { path: 'opt/setuid', content: 'x', mode: 0o4755 },
  { path: 'opt/capable', content: 'x', mode: 0o755, xattrs: { 'security.capability': NET_RAW_CAPABILITY } },
  { path: 'opt/attributed', content: 'x', xattrs: { 'user.note': Buffer.from('kept') } },
  { path: 'opt/null', type: 'character', major: 1, minor: 3, mode: 0o666 },
  { path: 'opt/loop', type: 'block', major: 7, minor: 0, mode: 0o660 },
  { path: 'opt/pipe', type: 'fifo' },
  { path: `opt/${'d'.repeat(120)}/`, type: 'directory' },
  { path: LONG_PATH, content: 'long' },
  { path: 'opt/gone', content: 'removed above' },
  { path: 'opt/opaque/', type: 'directory' },
  { path: 'opt/opaque/hidden', content: 'hidden above' },
  { path: 'opt/tree/', type: 'directory' },
  { path: 'opt/tree/below', content: 'removed with its directory' },
  { path: 'opt/becomes-file/', type: 'directory' },
  { path: 'opt/becomes-file/inner', content: 'x' },
];

const CHANGES: readonly TarEntry[] = [
  { path: 'opt/', type: 'directory' },
  { path: 'opt/.wh.gone' },
  { path: 'opt/.wh.tree' },
  { path: 'opt/opaque/', type: 'directory' },
  { path: 'opt/opaque/.wh..wh..opq' },
  { path: 'opt/opaque/seen', content: 'upper' },
  { path: 'opt/becomes-file', content: 'now a file' },
  { path: 'opt/added', content: 'upper' },
];

/** The images the suite uses, by name; each made when first asked for. */
export interface TestImages {
  /** `busybox:latest`: a shell and the usual programs, `CMD ["sh"]`. */
  readonly busybox: BuiltImage;
  /** `settings:latest`: busybox with every setting an image can have. */
  readonly settings: BuiltImage;
  /** `layered:latest`: busybox, a layer with everything a layer can hold, and one that removes and replaces. */
  readonly layered: BuiltImage;
}

/** Makes the test images. */
export function makeTestImages(): TestImages {
  const base = busyboxLayer();
  return {
    busybox: buildImage({ tags: ['busybox:latest'], layers: [base], settings: { Cmd: ['sh'] } }),
    settings: buildImage({
      tags: ['settings:latest'],
      layers: [
        base,
        tar([
          { path: 'data/', type: 'directory' },
          { path: 'data/seed', content: 'from the image' },
        ]),
      ],
      settings: {
        User: 'tester',
        Entrypoint: ['/bin/echo', 'entry'],
        Cmd: ['default'],
        Env: ['PATH=/bin:/opt/bin', 'FROM_IMAGE=yes', 'REPLACED=image'],
        ExposedPorts: { '8080/tcp': {}, '53/udp': {} },
        Volumes: { '/data': {} },
        WorkingDir: '/work/dir',
        Labels: { 'image.label': 'kept', 'both.label': 'image' },
        StopSignal: 'SIGUSR1',
      },
    }),
    layered: buildImage({
      tags: ['layered:latest'],
      layers: [base, tar(EVERYTHING), tar(CHANGES)],
      settings: { Cmd: ['sh'] },
    }),
  };
}

/** A small image that no other test has: its one layer holds `marker`. */
export function uniqueImage(tag: string, marker: string, settings: ImageSettings = {}): BuiltImage {
  return buildImage({
    tags: [tag],
    layers: [tar([{ path: 'marker', content: marker }])],
    settings: { Cmd: ['/none'], ...settings },
  });
}
