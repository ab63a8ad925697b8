import type { ContainerConfig, ImageInspect, ImageSummary } from '../../contract/docker/index.ts';
import { type ApiVersion, isAtLeast } from '../http/index.ts';

/** First API version without `VirtualSize`, which had come to equal `Size`. */
const WITHOUT_VIRTUAL_SIZE = 44;
/** First API version without the config of the container that an image was committed from. */
const WITHOUT_CONTAINER_CONFIG = 45;
/** First API version whose image configs leave out what only containers have. */
const WITHOUT_CONTAINER_FIELDS = 50;
/** First API version whose lists of images always count the containers. */
const COUNTS_CONTAINERS = 51;

/** What `Containers` says to clients that have not asked for the count. */
const NOT_COUNTED = -1;

/** What an image's config said of containers, always empty. */
const CONTAINER_FIELDS: Partial<ContainerConfig> = {
  AttachStderr: false,
  AttachStdin: false,
  AttachStdout: false,
  Domainname: '',
  Hostname: '',
  Image: '',
  OpenStdin: false,
  StdinOnce: false,
  Tty: false,
};

const EMPTY_CONFIG: Partial<ContainerConfig> = {
  ...CONTAINER_FIELDS,
  Cmd: null,
  Entrypoint: null,
  Env: null,
  Labels: null,
  OnBuild: null,
  User: '',
  Volumes: null,
  WorkingDir: '',
};

/** An image as a client of that API version expects it. */
export function inspectView(image: ImageInspect, version: ApiVersion): ImageInspect {
  return {
    ...image,
    ...(!isAtLeast(version, WITHOUT_VIRTUAL_SIZE) && { VirtualSize: image.Size }),
    ...(!isAtLeast(version, WITHOUT_CONTAINER_CONFIG) && { ContainerConfig: EMPTY_CONFIG }),
    ...(!isAtLeast(version, WITHOUT_CONTAINER_FIELDS) && { Config: { ...CONTAINER_FIELDS, ...image.Config } }),
  };
}

/** An entry of the list of images as a client of that API version expects it. */
export function summaryView(image: ImageSummary, version: ApiVersion): ImageSummary {
  return {
    ...image,
    ...(!isAtLeast(version, WITHOUT_VIRTUAL_SIZE) && { VirtualSize: image.Size }),
    ...(!isAtLeast(version, COUNTS_CONTAINERS) && { Containers: NOT_COUNTED }),
  };
}
