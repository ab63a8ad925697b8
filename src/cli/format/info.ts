/** The server's part of `info`. */

import type { SystemInfo } from '../../contract/docker/index.ts';
import { binarySize } from './units.ts';

/** Its lines, indented as docker's. */
export function infoLines(info: SystemInfo): string[] {
  return [
    ...countLines(info),
    ...driverLines(info),
    ...runtimeLines(info),
    ...machineLines(info),
    ...registryLines(info),
  ];
}

function countLines(info: SystemInfo): string[] {
  return [
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ...field('Server Version', info.ServerVersion),
  ];
}

function driverLines(info: SystemInfo): string[] {
  return [
    ...field('Storage Driver', info.Driver),
    ...(info.DriverStatus ?? []).map(([key, value]) => `  ${key}: ${value}`),
    ...field('Logging Driver', info.LoggingDriver),
    ...field('Cgroup Driver', info.CgroupDriver),
    ...field('Cgroup Version', info.CgroupVersion),
    ' Plugins:',
    `  Volume: ${(info.Plugins?.Volume ?? []).join(' ')}`,
    `  Network: ${(info.Plugins?.Network ?? []).join(' ')}`,
    ...(info.Plugins?.Authorization?.length ? [`  Authorization: ${info.Plugins.Authorization.join(' ')}`] : []),
    `  Log: ${(info.Plugins?.Log ?? []).join(' ')}`,
    ...section('CDI spec directories', info.CDISpecDirs),
  ];
}

function runtimeLines(info: SystemInfo): string[] {
  return [
    ` Swarm: ${info.Swarm?.LocalNodeState ?? 'inactive'}`,
    ` Runtimes: ${Object.keys(info.Runtimes ?? {})
      .sort()
      .join(' ')}`,
    ...field('Default Runtime', info.DefaultRuntime),
    ` Init Binary: ${info.InitBinary}`,
    ` containerd version: ${info.ContainerdCommit?.ID ?? ''}`,
    ` runc version: ${info.RuncCommit?.ID ?? ''}`,
    ` init version: ${info.InitCommit?.ID ?? ''}`,
    ...securityLines(info.SecurityOptions ?? []),
  ];
}

/** `name=seccomp,profile=builtin` becomes a name with its settings below. */
function securityLines(options: readonly string[]): string[] {
  if (options.length === 0) return [];
  const lines = options.flatMap((option) => {
    const pairs = option.split(',').map((pair) => pair.split('='));
    const name = pairs.find(([key]) => key === 'name')?.[1] ?? option;
    const rest = pairs.filter(([key]) => key !== 'name');
    return [
      `  ${name}`,
      ...rest.map(([key = '', value = '']) => `   ${key.charAt(0).toUpperCase()}${key.slice(1)}: ${value}`),
    ];
  });
  return [' Security Options:', ...lines];
}

function machineLines(info: SystemInfo): string[] {
  return [
    ...field('Kernel Version', info.KernelVersion),
    ...field('Operating System', info.OperatingSystem),
    ...field('OSType', info.OSType),
    ...field('Architecture', info.Architecture),
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${binarySize(info.MemTotal)}`,
    ...field('Name', info.Name),
    ...field('ID', info.ID),
    ` Docker Root Dir: ${info.DockerRootDir}`,
    ` Debug Mode: ${info.Debug}`,
    ...(info.Debug
      ? [
          `  File Descriptors: ${info.NFd}`,
          `  Goroutines: ${info.NGoroutines}`,
          `  System Time: ${info.SystemTime}`,
          `  EventsListeners: ${info.NEventsListener}`,
        ]
      : []),
    ...field('HTTP Proxy', info.HttpProxy),
    ...field('HTTPS Proxy', info.HttpsProxy),
    ...field('No Proxy', info.NoProxy),
  ];
}

function registryLines(info: SystemInfo): string[] {
  const registry = info.RegistryConfig;
  const insecure = Object.values(registry?.IndexConfigs ?? {})
    .filter((index) => !index.Secure)
    .map((index) => index.Name);
  const pools = (info.DefaultAddressPools ?? []).map((pool) => `Base: ${pool.Base}, Size: ${pool.Size}`);
  return [
    ...section('Labels', info.Labels),
    ` Experimental: ${info.ExperimentalBuild}`,
    ...section('Insecure Registries', [...insecure, ...(registry?.InsecureRegistryCIDRs ?? [])]),
    ...section('Registry Mirrors', registry?.Mirrors),
    ` Live Restore Enabled: ${info.LiveRestoreEnabled}`,
    ...section('Default Address Pools', pools),
  ];
}

const field = (title: string, value: string | undefined) => (value ? [` ${title}: ${value}`] : []);

const section = (title: string, values: readonly string[] | null | undefined) =>
  values?.length ? [` ${title}:`, ...values.map((value) => `  ${value}`)] : [];
