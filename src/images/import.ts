import type { Readable } from 'node:stream';
import { type Digest, digestOf } from '../base/index.ts';
import type { ContainerConfig } from '../contract/docker/index.ts';
import { familiarString, type Platform, type Reference } from '../registry/index.ts';
import { applyChanges, emptyConfig } from './changes.ts';
import { announce, commitImage, exclusively, type ImageContext } from './context.ts';
import { spool } from './temporary.ts';

export interface ImportRequest {
  /** A tar archive of a root file system, compressed or not. */
  readonly body: Readable;
  /** What it is called from now on. */
  readonly reference?: Reference | undefined;
  /** Undefined: dockerd's own. */
  readonly message?: string | undefined;
  /** Dockerfile instructions for the config. */
  readonly changes?: readonly string[];
  readonly platform?: Platform | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What dockerd notes if the client says nothing; `-` is its name for a request's body. */
const DEFAULT_MESSAGE = 'Imported from -';

/** Makes an image of one layer. Returns its id. Throws invalidParameter for bad changes before the body is read. */
export async function importImage(context: ImageContext, request: ImportRequest): Promise<Digest> {
  const config = applyChanges(emptyConfig(), request.changes ?? []);
  await using archive = await spool(context.temporaryFolder, request.body, request.signal);
  const layer = await context.layers.register({ path: archive.path }, undefined);
  await using work = new AsyncDisposableStack();
  work.defer(async () => {
    await context.layers.release(layer.chainId);
  });
  const raw = Buffer.from(JSON.stringify(describe(context, request, config, layer.diffId)));
  const id = digestOf(raw);
  const { reference } = request;
  return await exclusively(context, async () => {
    const image = await commitImage(context, raw, id, reference === undefined ? [] : [reference]);
    if (reference !== undefined) {
      await context.images.setLastTagged(id, context.clock.timestamp());
      announce(context, 'tag', { id, name: familiarString(reference), image });
    }
    announce(context, 'import', { id, name: id, image });
    return id;
  });
}

function describe(context: ImageContext, request: ImportRequest, config: ContainerConfig, diffId: Digest): unknown {
  const platform = request.platform ?? context.platform;
  const created = context.clock.timestamp();
  const comment = request.message || DEFAULT_MESSAGE;
  return {
    architecture: platform.architecture,
    comment,
    config,
    container_config: config,
    created,
    docker_version: context.version,
    history: [{ created, comment }],
    os: platform.os,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
  };
}
