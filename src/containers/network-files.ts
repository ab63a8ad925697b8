import { readFile, writeFile } from 'node:fs/promises';
import { announceStep } from '../base/index.ts';
import { hostsFile, hostsFileOnHost, resolvConf, type Sandbox } from '../networks/index.ts';
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
  const extra = { extraHosts: hostConfig.ExtraHosts ?? [], hostGateway: context.networks.hostGateway() };
  if (sandbox.path === undefined) {
    return hostsFileOnHost(await readFile('/etc/hosts', 'utf8').catch(() => ''), extra);
  }
  return hostsFile({
    hostname: config.Hostname,
    domainName: config.Domainname,
    addresses: sandbox.endpoints.map((endpoint) => endpoint.address).filter((address) => address !== ''),
    ...extra,
  });
}

async function resolver(context: ContainerContext, container: Container, sandbox: Sandbox): Promise<string> {
  const { hostConfig } = container.record;
  const host = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const chosen = (given: readonly string[] | null, fallback: readonly string[]) => (given?.length ? given : fallback);
  const dns = chosen(hostConfig.Dns, context.defaultDns.servers);
  const search = chosen(hostConfig.DnsSearch, context.defaultDns.search);
  const options = chosen(hostConfig.DnsOptions, context.defaultDns.options);
  // On the host's network the host's own file is right as it is, loopback servers included.
  if (sandbox.path === undefined && dns.length + search.length + options.length === 0) return host;
  return resolvConf({ host, dns, search, options, embedded: sandbox.namesPort !== undefined });
}
