import { posix } from 'node:path';
import { invalidParameter } from '../base/index.ts';
import type { ContainerConfig, HealthConfig } from '../contract/docker/index.ts';
import { parseSignal } from './signals.ts';

/** Shortest time between two health checks, in nanoseconds (moby `container.MinimumDuration`). */
const MIN_HEALTH_DURATION_NANOSECONDS = 1_000_000;

/** The merged configuration with its working directory cleaned. Throws invalidParameter with dockerd's words. */
export function checkConfig(config: ContainerConfig): ContainerConfig {
  for (const entry of config.Env ?? []) {
    if (entry === '' || entry.startsWith('=')) throw invalidParameter(`invalid environment variable: ${entry}`);
  }
  if (config.StopSignal) parseSignal(config.StopSignal);
  validateHealthcheck(config.Healthcheck ?? {});
  return { ...config, WorkingDir: cleanWorkingDirectory(config.WorkingDir) };
}

function cleanWorkingDirectory(path: string): string {
  if (path === '') return '';
  if (!path.startsWith('/')) {
    throw invalidParameter(`the working directory '${path}' is invalid, it needs to be an absolute path`);
  }
  return posix.normalize(path).replace(/(.)\/$/, '$1');
}

function validateHealthcheck(health: HealthConfig): void {
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const duration = health[field] ?? 0;
    if (duration !== 0 && duration < MIN_HEALTH_DURATION_NANOSECONDS) {
      throw invalidParameter(`${field} in Healthcheck cannot be less than 1ms`);
    }
  }
  if ((health.Retries ?? 0) < 0) throw invalidParameter('Retries in Healthcheck cannot be negative');
}
