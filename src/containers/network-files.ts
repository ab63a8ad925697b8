import { readFile, writeFile } from 'node:fs/promises';
import { announceStep } from '../base/index.ts';
import { hostsFile, resolvConf, type Sandbox } from '../networks/index.ts';
import type { Container } from './container.ts';
import type { ContainerContext } from './context.ts';
import { containerFiles } from './state-files.ts';

// Every user of the container reads them, and root in it may write them: dockerd's mode.
const FILE_MODE = 0o644;

/** Writes hostname, hosts and resolv.conf, which the container sees in its /etc. */
export async function writeNetworkFiles(
  context: ContainerContext,
  container: Container,
  sandbox: Sandbox | undefined,
): Promise<void> {
  // In another container's network its files are used.
  if (sandbox === undefined) return;
  const { record } = container;
  const files = containerFiles(context.directories.containers, container.id);
  announceStep('write', files.hosts);
  await Promise.all([
    writeFile(files.hostname, `${record.config.Hostname}\n`, { mode: FILE_MODE }),
    writeFile(files.hosts, await hosts(context, container, sandbox), { mode: FILE_MODE }),
    writeFile(files.resolvConf, await resolver(context, container, sandbox), { mode: FILE_MODE }),
  ]);
}

async function hosts(context: ContainerContext, container: Container, sandbox: Sandbox): Promise<string> {
  const { config, hostConfig } = container.record;
  const extra = (hostConfig.ExtraHosts ?? []).map((entry) => entry.split(/:(.*)/s).slice(0, 2) as [string, string]);
  if (sandbox.path === undefined) {
    const inherited = await readFile('/etc/hosts', 'utf8').catch(() => '');
    return `${inherited}${hostsFile({ entries: [], extraHosts: extra, gateway: context.networks.hostGateway() })}`;
  }
  const names =
    config.Domainname === '' ? [config.Hostname] : [`${config.Hostname}.${config.Domainname}`, config.Hostname];
  return hostsFile({
    entries: sandbox.endpoints.filter((endpoint) => endpoint.address !== '').map(({ address }) => ({ address, names })),
    extraHosts: extra,
    gateway: context.networks.hostGateway(),
  });
}

async function resolver(context: ContainerContext, container: Container, sandbox: Sandbox): Promise<string> {
  const { hostConfig } = container.record;
  const chosen = (given: string[] | null, fallback: readonly string[]) => (given?.length ? given : fallback);
  return resolvConf({
    host: await readFile('/etc/resolv.conf', 'utf8').catch(() => ''),
    servers: chosen(hostConfig.Dns, context.defaultDns.servers),
    search: chosen(hostConfig.DnsSearch, context.defaultDns.search),
    options: chosen(hostConfig.DnsOptions, context.defaultDns.options),
    embedded: sandbox.namesPort !== undefined,
    shared: sandbox.path === undefined,
  });
}
