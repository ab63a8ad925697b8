/** A real registry (Debian's docker-registry) in a temporary folder on a loopback port, and pushing to it. For tests. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Digest, digestOf } from '../base/index.ts';
import { MEDIA_TYPES } from '../registry/index.ts';
import { buildLayer } from './embedded.ts';
import { littlePlan } from './images.fixture.ts';

export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
}

const START_ATTEMPTS = 200;

export async function startRegistry(): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-registry-'));
  const port = await freePort();
  const configuration = [
    'version: 0.1',
    'log: {level: error}',
    `storage: {filesystem: {rootdirectory: ${folder}/data}}`,
    `http: {addr: "127.0.0.1:${port}"}`,
  ].join('\n');
  await writeFile(join(folder, 'config.yml'), configuration);
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const host = `127.0.0.1:${port}`;
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
    if (
      await fetch(`http://${host}/v2/`).then(
        () => true,
        () => false,
      )
    )
      break;
    await delay(20);
  }
  return {
    host,
    async [Symbol.asyncDispose]() {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export interface LittleImage {
  readonly layers: string[];
  readonly oci?: boolean;
  readonly zstd?: boolean;
  readonly platform?: { os: string; architecture: string; variant?: string };
}

/** The blobs and the manifest of a little image. */
export function packImage(image: LittleImage) {
  const { architecture, os } = image.platform ?? { os: 'linux', architecture: 'amd64' };
  const plan = littlePlan({ tag: 'x', layers: image.layers });
  const layers = plan.layers.map(({ files }) => buildLayer(files));
  const blobs = layers.map((layer) => (image.zstd ? zstdCompressSync(layer) : gzipSync(layer)));
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os,
      created: '2026-01-01T00:00:00Z',
      config: plan.config,
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      history: image.layers.map((createdBy) => ({ created_by: createdBy })),
    }),
  );
  const describe = (mediaType: string, content: Buffer) => ({
    mediaType,
    digest: digestOf(content),
    size: content.length,
  });
  const layerType = image.oci
    ? `application/vnd.oci.image.layer.v1.tar+${image.zstd ? 'zstd' : 'gzip'}`
    : 'application/vnd.docker.image.rootfs.diff.tar.gzip';
  const mediaType = image.oci ? MEDIA_TYPES.ociManifest : MEDIA_TYPES.dockerManifest;
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: describe(image.oci ? MEDIA_TYPES.ociConfig : MEDIA_TYPES.dockerConfig, config),
      layers: blobs.map((blob) => describe(layerType, blob)),
    }),
  );
  return { manifest, mediaType, config, blobs, id: digestOf(config), digest: digestOf(manifest) };
}

/** Puts an image into the registry. */
export async function pushImage(host: string, repository: string, tag: string, image: LittleImage) {
  const packed = packImage(image);
  for (const blob of [packed.config, ...packed.blobs]) await pushBlob(host, repository, blob);
  await pushManifest(host, repository, tag, packed);
  return packed;
}

/** Puts a list of platforms into the registry. */
export async function pushIndex(
  host: string,
  repository: string,
  tag: string,
  images: readonly LittleImage[],
  oci: boolean,
) {
  const manifests = [];
  for (const [index, image] of images.entries()) {
    const packed = await pushImage(host, repository, `${tag}-${index}`, image);
    const { mediaType, digest, manifest } = packed;
    manifests.push({ mediaType, digest, size: manifest.length, platform: image.platform });
  }
  const mediaType = oci ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.dockerList;
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  await pushManifest(host, repository, tag, { manifest, mediaType });
  return digestOf(manifest);
}

async function pushManifest(
  host: string,
  repository: string,
  tag: string,
  packed: { manifest: Buffer; mediaType: string },
) {
  const response = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': packed.mediaType },
    body: new Uint8Array(packed.manifest),
  });
  if (!response.ok) throw new Error(await response.text());
}

async function pushBlob(host: string, repository: string, blob: Buffer): Promise<Digest> {
  const digest = digestOf(blob);
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  location.searchParams.set('digest', digest);
  const response = await fetch(location, { method: 'PUT', body: new Uint8Array(blob) });
  if (!response.ok) throw new Error(await response.text());
  return digest;
}
