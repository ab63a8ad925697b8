/** Pulling an image, for `pull`, `run` and `create`. */

import { registryAuthHeader } from '../../client/config.ts';
import { pullQuery } from '../../options/reference.ts';
import type { Session } from '../../session.ts';
import { readMessages, showProgress } from '../../streams/progress.ts';
import { progressTarget } from './progress-target.ts';

/** How to pull. */
export interface PullOptions {
  readonly platform: string;
  readonly quiet: boolean;
  /** Where progress goes. */
  readonly target: 'out' | 'error';
  readonly allTags?: boolean;
}

/** Pulls `reference` (with its tag or digest). Throws what the registry or the engine says. */
export async function pullImage(session: Session, reference: string, options: PullOptions): Promise<void> {
  const query = pullQuery(reference);
  const auth = registryAuthHeader(session.config, reference);
  const { body } = await session.client.stream('POST', '/images/create', {
    query: { fromImage: query.fromImage, tag: options.allTags ? undefined : query.tag, platform: options.platform },
    ...(auth === undefined ? {} : { headers: { 'X-Registry-Auth': auth } }),
  });
  if (!options.quiet) {
    await showProgress(body, progressTarget(session, options.target));
    return;
  }
  for await (const message of readMessages(body)) {
    if (message.errorDetail !== undefined || message.error !== undefined) {
      throw new Error(message.errorDetail?.message ?? message.error);
    }
  }
}
