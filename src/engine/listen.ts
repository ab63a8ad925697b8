import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import { announceStep, errnoOf, type Log, systemError } from '../base/index.ts';

/** dockerd's port for unencrypted API traffic. */
const DEFAULT_TCP_PORT = 2375;

/** Mode of the API socket: it is as good as root, so owner and group only (dockerd's mode). */
const SOCKET_MODE = 0o660;

/** Listens at `host` (unix:// or tcp://). Throws a system error naming it if that cannot be. */
export async function listen(server: Server, host: string, group: string, log: Log): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error) => reject(systemError(`failed to listen at ${host}: ${error.message}`)));
  if (host.startsWith('unix://')) await listenUnix(server, host.slice('unix://'.length), resolve);
  else server.listen(tcpAddress(host), resolve);
  await promise;
  if (host.startsWith('unix://')) setOwner(host.slice('unix://'.length), group, log);
  else log.warn({ host }, 'the API is open to whoever reaches this port: it is not encrypted and asks for no password');
}

async function listenUnix(server: Server, path: string, resolve: () => void): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  announceStep('listen', path);
  // Another engine with this socket would hold the run directory's lock: what is here is left over.
  rmSync(path, { force: true });
  server.listen(path, resolve);
}

function setOwner(path: string, group: string, log: Log): void {
  chmodSync(path, SOCKET_MODE);
  const gid = /^\d+$/.test(group) ? Number(group) : groupId(group);
  if (gid !== undefined) chownSync(path, 0, gid);
  else log.debug({ group }, 'no such group: the socket is for root alone');
}

function groupId(name: string): number | undefined {
  const line = readLines('/etc/group').find((entry) => entry.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function tcpAddress(host: string): { host: string; port: number } {
  const { hostname, port } = new URL(host.replace(/^tcp:/, 'http:'));
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? DEFAULT_TCP_PORT : Number(port) };
}
