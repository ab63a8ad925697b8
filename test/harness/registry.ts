import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { EngineClient } from './client.ts';
import { type BuiltImage, digest } from './images.ts';
import { runProgram } from './program.ts';

const DOCKER_TYPES = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: {
    none: 'application/vnd.docker.image.rootfs.diff.tar',
    gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const;
const OCI_TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  list: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: {
    none: 'application/vnd.oci.image.layer.v1.tar',
    gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
    zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  },
} as const;

/** How an image is put into a registry. */
export interface PushOptions {
  readonly format?: 'docker' | 'oci';
  /** Docker's own media types have no zstd. */
  readonly compression?: 'none' | 'gzip' | 'zstd';
}

/** Something with a digest, as manifests refer to it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string };
}

/** An image as a registry holds it. */
export interface PackedImage {
  readonly manifest: Buffer;
  readonly mediaType: string;
  readonly descriptor: Descriptor;
  readonly blobs: readonly Buffer[];
}

/** Makes the manifest and blobs of an image. */
export function packImage(image: BuiltImage, options: PushOptions = {}): PackedImage {
  const types = options.format === 'oci' ? OCI_TYPES : DOCKER_TYPES;
  const compression = options.compression ?? 'gzip';
  const layerTypes: Readonly<Record<string, string>> = types.layer;
  const layers = image.layers.map((layer) => compress(layer, compression));
  const describe = (mediaType: string, content: Buffer): Descriptor => ({
    mediaType,
    digest: digest(content),
    size: content.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: describe(types.config, image.config),
      layers: layers.map((layer) => describe(layerTypes[compression] ?? '', layer)),
    }),
  );
  return {
    manifest,
    mediaType: types.manifest,
    descriptor: describe(types.manifest, manifest),
    blobs: [image.config, ...layers],
  };
}

function compress(layer: Buffer, compression: NonNullable<PushOptions['compression']>): Buffer {
  if (compression === 'none') return layer;
  return compression === 'gzip' ? gzipSync(layer) : zstdCompressSync(layer);
}

/** Makes a manifest list (or OCI index) of images for platforms. */
export function packList(descriptors: readonly Descriptor[], format: PushOptions['format'] = 'docker'): PackedImage {
  const mediaType = (format === 'oci' ? OCI_TYPES : DOCKER_TYPES).list;
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: descriptors }));
  const descriptor = { mediaType, digest: digest(manifest), size: manifest.length };
  return { manifest, mediaType, descriptor, blobs: [] };
}

/** A registry inside the engine's network namespace. */
export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:port`, the first part of the names of its images. */
  readonly address: string;
  /** Stores an image under `repository` by tag or, without one, by digest; resolves to the manifest's digest. */
  push(repository: string, packed: PackedImage, tag?: string): Promise<string>;
}

/** Starts Debian's docker-registry with empty storage. */
export async function startRegistry(engine: EngineClient): Promise<Registry> {
  const directory = mkdtempSync(join(tmpdir(), 'gt-registry-'));
  const configuration = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0' },
  };
  writeFileSync(join(directory, 'config.yml'), JSON.stringify(configuration)); // JSON is YAML
  const { port, stop } = await startServer(
    engine,
    ['docker-registry', 'serve', join(directory, 'config.yml')],
    /listening on .*:(\d+)/,
  );
  const address = `127.0.0.1:${port}`;
  return {
    address,
    push: (repository, packed, tag) => push(engine, directory, `http://${address}/v2/${repository}`, packed, tag),
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What a lying or stalling registry answers to one path. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Base64. */
  readonly body?: string;
  /** Bytes of the body after which the connection stays silent. */
  readonly stallAfter?: number;
  /** Bytes of the body after which the connection is cut. */
  readonly cutAfter?: number;
}

/** Starts a server that answers requests from a table: path (with `GET`, `HEAD` alike) to answer; anything else is 404. */
export async function startScriptedRegistry(
  engine: EngineClient,
  answers: Readonly<Record<string, ScriptedAnswer>>,
): Promise<{ address: string } & AsyncDisposable> {
  const program = fileURLToPath(new URL('./scripted-registry.ts', import.meta.url));
  const argv = [process.execPath, program];
  const { port, stop } = await startServer(engine, argv, /listening on .*:(\d+)/, JSON.stringify(answers));
  return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

/** Starts a server in the engine's network namespace and finds its port in what it writes. */
async function startServer(engine: EngineClient, argv: readonly string[], announcement: RegExp, input = '') {
  const server = spawn('nsenter', ['--target', String(engine.pid), '--net', '--', ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  server.stdin.end(input);
  const seen: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  for (const output of [server.stdout, server.stderr])
    createInterface(output).on('line', (line) => {
      seen.push(line);
      const port = announcement.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  server.on('exit', () => reject(new Error(`${argv.join(' ')} ended:\n${seen.join('\n')}`)));
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  return { port: await promise, stop };
}

/** Uploads blobs and manifest the way the distribution specification has it: POST, PUT, PUT. */
async function push(engine: EngineClient, directory: string, base: string, packed: PackedImage, tag?: string) {
  const upload = join(directory, 'upload');
  const curl = async (...argv: string[]) => {
    const { status, stdout, stderr } = await runProgram('nsenter', [
      ...['--target', String(engine.pid), '--net', '--', 'curl', '--silent', '--show-error', '--fail', '--include'],
      ...argv,
    ]);
    if (status !== 0) throw new Error(`push to ${base}: ${stderr}${stdout}`);
    return stdout;
  };
  for (const blob of packed.blobs) {
    const started = await curl('--request', 'POST', '--data', '', `${base}/blobs/uploads/`);
    const location = /^location: (\S+)/im.exec(started)?.[1] ?? '';
    writeFileSync(upload, blob);
    const type = 'Content-Type: application/octet-stream';
    const separator = location.includes('?') ? '&' : '?';
    await curl('--upload-file', upload, '--header', type, `${location}${separator}digest=${digest(blob)}`);
  }
  writeFileSync(upload, packed.manifest);
  const reference = tag ?? packed.descriptor.digest;
  await curl(
    '--upload-file',
    upload,
    '--header',
    `Content-Type: ${packed.mediaType}`,
    `${base}/manifests/${reference}`,
  );
  return packed.descriptor.digest;
}
