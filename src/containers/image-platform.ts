import { notFound } from '../base/index.ts';
import { formatPlatform, parsePlatform, platformRank } from '../registry/index.ts';

/** What an image says about the machines it is for. */
interface ImagePlatform {
  readonly os: string;
  readonly architecture: string;
}

/**
 * Throws notFound if a container of the image `name` was asked for on a platform that the image is not for.
 * @param wanted as `--platform` has it; empty if the client does not mind
 */
export function checkImage(image: ImagePlatform, name: string, wanted: string): void {
  if (wanted === '') return;
  const platform = parsePlatform(wanted);
  const offered = { os: image.os, architecture: image.architecture };
  if (platformRank(platform, offered) !== undefined) return;
  throw notFound(
    `image with reference ${name} was found but its platform (${formatPlatform(offered)}) does not match the specified platform (${formatPlatform(platform)})`,
  );
}
