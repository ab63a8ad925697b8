import { ZERO_TIME } from '../base/index.ts';
import type { ContainerConfig, ImageInspect } from '../contract/docker/index.ts';
import { familiarString } from '../registry/index.ts';
import type { ImageContext } from './context.ts';
import type { Image } from './image-store.ts';

/** The name that dockerd gives to the storage we share with it. */
const DRIVER = 'overlay2';

/** Everything about an image, as `GET /images/{name}/json` tells it. */
export function inspectImage(context: ImageContext, image: Image): ImageInspect {
  const references = context.references.of(image.id);
  const { chainId } = image;
  return {
    Id: image.id,
    RepoTags: references.filter(({ digest }) => digest === undefined).map(familiarString),
    RepoDigests: references.filter(({ digest }) => digest !== undefined).map(familiarString),
    Parent: image.parent ?? '',
    Comment: image.comment,
    // As Go writes it: no zeros at the end of the fraction.
    Created: image.created.replace(/(?:\.0+|(\.\d*[1-9])0+)(?=[^\d]|$)/, '$1'),
    DockerVersion: image.dockerVersion,
    Author: image.author,
    Config: image.hasConfig ? wireConfig(image.config) : null,
    Architecture: image.architecture,
    ...(image.variant === '' ? {} : { Variant: image.variant }),
    Os: image.os,
    Size: image.size,
    GraphDriver: {
      Data: chainId === undefined ? {} : { ...context.layers.imageGraphDriverData(chainId) },
      Name: DRIVER,
    },
    RootFS: { Type: 'layers', ...(image.diffIds.length === 0 ? {} : { Layers: [...image.diffIds] }) },
    Metadata: { LastTagTime: image.lastTagged ?? ZERO_TIME },
  };
}

/** The part of the config that an image has a say in, with the nulls that dockerd writes for what is not there. */
function wireConfig(config: Partial<ContainerConfig>): Partial<ContainerConfig> {
  const { ArgsEscaped, Healthcheck, ExposedPorts, StopSignal, Shell } = config;
  return {
    ...(ArgsEscaped === undefined ? {} : { ArgsEscaped }),
    Cmd: config.Cmd ?? null,
    Entrypoint: config.Entrypoint ?? null,
    Env: config.Env ?? null,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
    Labels: config.Labels ?? null,
    OnBuild: config.OnBuild ?? null,
    ...(Shell === undefined ? {} : { Shell }),
    ...(StopSignal === undefined ? {} : { StopSignal }),
    User: config.User ?? '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
  };
}
