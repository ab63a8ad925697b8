import { digestHex, digestOf, formatTime } from '../base/index.ts';
import { TAR_END, type TarEntry, tarFile, tarHeader, tarPadding } from './archive/tar-writer.ts';

/** A file of an image made by {@link buildDockerArchive}. Folders must come before what is in them. */
export interface ImageFile extends Omit<TarEntry, 'size'> {
  readonly content?: Uint8Array | string;
}

/** One image of an archive: its layers, lowest first, and what its config says. */
export interface ImagePlan {
  /** `name:tag` */
  readonly tag: string;
  readonly layers: readonly { readonly createdBy: string; readonly files: readonly ImageFile[] }[];
  /** The `config` object of the image config (OCI image-spec, config.md). */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface ArchiveOptions {
  /** GOARCH name, e.g. `amd64`. */
  readonly architecture: string;
  /** Nanoseconds since 1970. */
  readonly created: bigint;
}

/** A docker-archive (`docker load` reads it) with the given images; layers used by several images are stored once. */
export function buildDockerArchive(images: readonly ImagePlan[], options: ArchiveOptions): Buffer {
  const entries = new Map<string, Buffer>();
  const manifest = images.map((image) => {
    const layers = image.layers.map((layer) => buildLayer(layer.files));
    const diffIds = layers.map(digestOf);
    const paths = diffIds.map((diffId) => `${digestHex(diffId)}.tar`);
    layers.forEach((layer, index) => {
      entries.set(paths[index] ?? '', layer);
    });
    const created = formatTime(options.created);
    const config = Buffer.from(
      JSON.stringify({
        architecture: options.architecture,
        config: image.config,
        created,
        history: image.layers.map((layer) => ({ created, created_by: layer.createdBy })),
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: diffIds },
      }),
    );
    const configPath = `${digestHex(digestOf(config))}.json`;
    entries.set(configPath, config);
    return { Config: configPath, RepoTags: [image.tag], Layers: paths };
  });
  entries.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  const files = [...entries].map(([path, content]) => tarFile({ path, mode: 0o644 }, content));
  return Buffer.concat([...files, TAR_END]);
}

/** The uncompressed tar of a layer with the given files. */
export function buildLayer(files: readonly ImageFile[]): Buffer {
  const entries = files.map((file) => {
    const content = Buffer.from(file.content ?? '');
    return Buffer.concat([tarHeader({ ...file, size: content.length }), content, tarPadding(content.length)]);
  });
  return Buffer.concat([...entries, TAR_END]);
}

const SEARCH_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Folders of a small root file system, with the modes Debian gives them. */
const FOLDERS: readonly (readonly [path: string, mode: number])[] = [
  ['bin', 0o755],
  ['dev', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['sbin', 0o755],
  ['sys', 0o555],
  ['tmp', 0o1777],
  ['usr', 0o755],
  ['usr/bin', 0o755],
  ['usr/sbin', 0o755],
  ['var', 0o755],
  ['var/spool', 0o755],
];

// The first process of a container has no default signal actions, so a bare `httpd` would ignore Ctrl-C and `docker stop`.
const WELCOME_SCRIPT = `#!/bin/sh
trap 'exit 0' INT TERM
echo 'The welcome page is served on port 80 of this container. Ctrl-C ends it.'
httpd -f -p 80 -h /www &
wait $!
`;

const WELCOME_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Welcome</title>
<style>
  body { font: 18px/1.5 system-ui, sans-serif; max-width: 34em; margin: 15vh auto; padding: 0 1em; color: #223 }
  h1 { font-weight: 600 }
  code { background: #eef; padding: .1em .3em; border-radius: .2em }
</style>
<h1>It runs.</h1>
<p>This page comes from a container that Gantry started for you.</p>
<p>Try <code>gantry ps</code> to see it, and <code>gantry logs</code> to see what it says.</p>
</html>
`;

/**
 * The images that come with Gantry, so that the quick start needs no registry: `busybox:latest`, and `welcome:latest`
 * on top of it, which serves one web page on port 80.
 *
 * @param busybox a statically linked busybox
 * @param applets the paths of its applets, as `busybox --list-full` prints them (`bin/sh`)
 */
export function embeddedImages(busybox: Uint8Array, applets: readonly string[]): ImagePlan[] {
  const base = {
    createdBy: 'busybox-static',
    files: [
      ...FOLDERS.map(([path, mode]): ImageFile => ({ path, mode, type: 'directory' })),
      { path: 'bin/busybox', type: 'file', mode: 0o755, content: busybox },
      ...applets
        .filter((path) => path !== 'bin/busybox' && FOLDERS.some(([folder]) => folder === parentOf(path)))
        .map((path): ImageFile => ({ path, type: 'symlink', mode: 0o777, target: '/bin/busybox' })),
      {
        path: 'etc/passwd',
        type: 'file',
        mode: 0o644,
        content:
          'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nbin:x:2:2:bin:/bin:/bin/false\n' +
          'www-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
      },
      {
        path: 'etc/group',
        type: 'file',
        mode: 0o644,
        content: 'root:x:0:\ndaemon:x:1:\nbin:x:2:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n',
      },
      { path: 'etc/shadow', type: 'file', mode: 0o600, content: 'root:*:::::::\nnobody:*:::::::\n' },
    ] satisfies ImageFile[],
  };
  const welcome = {
    createdBy: 'welcome page',
    files: [
      { path: 'bin/welcome', type: 'file', mode: 0o755, content: WELCOME_SCRIPT },
      { path: 'www', type: 'directory', mode: 0o755 },
      { path: 'www/index.html', type: 'file', mode: 0o644, content: WELCOME_PAGE },
    ] satisfies ImageFile[],
  };
  return [
    { tag: 'busybox:latest', layers: [base], config: { Cmd: ['sh'], Env: [SEARCH_PATH] } },
    {
      tag: 'welcome:latest',
      layers: [base, welcome],
      config: { Cmd: ['welcome'], Env: [SEARCH_PATH], ExposedPorts: { '80/tcp': {} } },
    },
  ];
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
