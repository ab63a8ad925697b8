/** Rows of `images`. */

import type { ImageSummary } from '../../contract/docker/index.ts';
import type { ListLayout } from './list.ts';
import { ago, goTime, humanSize, shortId } from './units.ts';

const NONE = '<none>';
const NOT_AVAILABLE = 'N/A';
const SIZE_DIGITS = 3;

/** One name of an image. */
export interface ImageRow {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** How `images` shows them. */
export function imageLayout(options: { truncate: boolean; digests: boolean }): ListLayout<ImageRow> {
  const digest = options.digests ? '\t{{.Digest}}' : '';
  return {
    typeName: 'ImageContext',
    table: `{{.Repository}}\t{{.Tag}}${digest}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}`,
    headers: {
      ID: 'IMAGE ID',
      Repository: 'REPOSITORY',
      Tag: 'TAG',
      Digest: 'DIGEST',
      CreatedSince: 'CREATED',
      CreatedAt: 'CREATED AT',
      Size: 'SIZE',
      Containers: 'CONTAINERS',
      VirtualSize: 'SIZE',
      SharedSize: 'SHARED SIZE',
      UniqueSize: 'UNIQUE SIZE',
    },
    columns: ({ image, repository, tag, digest: shown }) => ({
      ID: options.truncate ? shortId(image.Id) : image.Id,
      Repository: repository,
      Tag: tag,
      Digest: shown,
      CreatedSince: image.Created <= 0 ? NOT_AVAILABLE : ago(image.Created),
      CreatedAt: image.Created <= 0 ? NOT_AVAILABLE : goTime(image.Created),
      Size: humanSize(image.Size, SIZE_DIGITS),
      Containers: count(image.Containers),
      VirtualSize: humanSize(image.Size),
      SharedSize: size(image.SharedSize),
      UniqueSize: image.SharedSize < 0 ? NOT_AVAILABLE : size(image.Size - image.SharedSize),
    }),
  };
}

const count = (value: number) => (value < 0 ? NOT_AVAILABLE : String(value));
const size = (value: number) => (value < 0 ? NOT_AVAILABLE : humanSize(value));

/** A row for each name of each image; with `digests`, for each digest of a name. */
export function imageRows(images: readonly ImageSummary[], digests: boolean): ImageRow[] {
  return images.flatMap((image) => {
    const tags = group(image.RepoTags ?? [], ':');
    const digestsByName = group(image.RepoDigests ?? [], '@');
    if (tags.size === 0 && digestsByName.size === 0) return [{ image, repository: NONE, tag: NONE, digest: NONE }];
    const rows: ImageRow[] = [];
    for (const [repository, names] of tags) {
      const known = digests ? (digestsByName.get(repository) ?? [NONE]) : [NONE];
      for (const tag of names) for (const digest of known) rows.push({ image, repository, tag, digest });
      digestsByName.delete(repository);
    }
    for (const [repository, known] of digestsByName) {
      if (!digests) rows.push({ image, repository, tag: NONE, digest: NONE });
      else for (const digest of known) rows.push({ image, repository, tag: NONE, digest });
    }
    return rows;
  });
}

function group(references: readonly string[], separator: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const reference of references) {
    const at = reference.lastIndexOf(separator);
    const name = reference.slice(0, at);
    if (at < 0 || name === NONE) continue;
    groups.set(name, [...(groups.get(name) ?? []), reference.slice(at + 1)]);
  }
  return groups;
}
