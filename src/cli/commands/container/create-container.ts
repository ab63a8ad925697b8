/** Creating a container, with the pull that may come first. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ContainerCreateBody, ContainerCreateResponse } from '../../../contract/docker/index.ts';
import { proxyEnvironment } from '../../client/config.ts';
import { isNotFound } from '../../client/engine-error.ts';
import type { Invocation } from '../../command.ts';
import { messageOf } from '../../failure.ts';
import { containerBody } from '../../options/container-body.ts';
import { type CONTAINER_FLAGS, checkPullPolicy } from '../../options/container-flags.ts';
import { checkPlatform } from '../../options/platform.ts';
import { parseReference, withDefaultTag } from '../../options/reference.ts';
import type { Session } from '../../session.ts';
import { pullImage } from '../image/pull-image.ts';

/** A container to be created. */
export interface ContainerPlan {
  readonly body: ContainerCreateBody;
  readonly name: string;
  readonly platform: string;
  readonly pull: string;
  readonly quiet: boolean;
  readonly cidFile: string;
}

/** Reads a `run` or `create` command line. Throws docker's texts for what is wrong with it. */
export function planContainer(session: Session, invocation: Invocation<typeof CONTAINER_FLAGS>): ContainerPlan {
  const { flags, changed, operands } = invocation;
  const [image = '', ...command] = operands;
  checkPullPolicy(flags.pull);
  if (flags.platform !== '') checkPlatform(flags.platform);
  const proxies = proxyEnvironment(session.config, session.client.host.address);
  return {
    body: containerBody({ image, command, flags, changed, proxies }),
    name: flags.name,
    platform: flags.platform,
    pull: flags.pull,
    quiet: flags.quiet,
    cidFile: flags.cidfile,
  };
}

/** Creates the container, pulling its image where the policy says so. Warnings go to standard error. */
export async function createContainer(session: Session, plan: ContainerPlan): Promise<string> {
  const { output } = session;
  const image = plan.body.Image ?? '';
  const isId = /^(sha256:)?[0-9a-f]{64}$/.test(image);
  if (!isId) parseReference(image);
  if (plan.cidFile !== '') reserveCidFile(plan.cidFile);
  try {
    warn(session, plan.body);
    if (plan.pull === 'always' && !isId) await pullForContainer(session, plan, image);
    const answer = await create(session, plan).catch(async (error: unknown) => {
      if (!isNotFound(error) || plan.pull !== 'missing' || isId) throw error;
      if (!plan.quiet) output.error(`Unable to find image '${withDefaultTag(image)}' locally\n`);
      await pullForContainer(session, plan, image);
      return create(session, plan);
    });
    for (const warning of answer.Warnings ?? []) output.error(`WARNING: ${warning}\n`);
    if (plan.cidFile !== '') writeFileSync(plan.cidFile, answer.Id);
    return answer.Id;
  } catch (error) {
    if (plan.cidFile !== '') rmSync(plan.cidFile, { force: true });
    throw error;
  }
}

function create(session: Session, plan: ContainerPlan): Promise<ContainerCreateResponse> {
  return session.client.json('POST', '/containers/create', {
    query: { name: plan.name, platform: plan.platform },
    json: plan.body,
  });
}

function pullForContainer(session: Session, plan: ContainerPlan, image: string): Promise<void> {
  return pullImage(session, withDefaultTag(image), { platform: plan.platform, quiet: plan.quiet, target: 'error' });
}

function reserveCidFile(path: string): void {
  try {
    readFileSync(path);
  } catch {
    try {
      writeFileSync(path, '');
    } catch (error) {
      throw new Error(`failed to create the container ID file: ${messageOf(error)}`);
    }
    return;
  }
  throw new Error(`container ID file found, make sure the other container isn't running or delete ${path}`);
}

function warn(session: Session, body: ContainerCreateBody): void {
  for (const server of body.HostConfig?.Dns ?? []) {
    if (!/^127\.|^::1$/.test(server)) continue;
    session.output.error(`WARNING: Localhost DNS (${server}) may fail in containers.\n`);
    return;
  }
}
