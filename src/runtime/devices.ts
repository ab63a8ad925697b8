import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, systemError } from '../base/index.ts';
import type { OciDevice, OciDeviceRule } from './oci.ts';

const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

/** Device cgroup rules of every container: deny all, then the harmless nodes (moby `oci/defaults.go`); runtimes add pts and tty. */
export const DEFAULT_DEVICE_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' }, // /dev/zero
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }, // /dev/null
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' }, // /dev/urandom
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' }, // /dev/random
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' }, // /dev/tty
  { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' }, // /dev/console
  { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' }, // /dev/fuse
];

// Nodes that a runtime makes itself in the container's /dev, or that belong to one pty instance (moby skips the same).
const NOT_PASSED_ON = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', 'console', '.udev']);

/**
 * The device at `hostPath` for the container: one node, or for a folder every node in it, with its cgroup rules.
 * Throws a system error naming the path where there is none.
 */
export function hostDevices(
  hostPath: string,
  containerPath: string,
  access: string,
): { devices: OciDevice[]; rules: OciDeviceRule[] } {
  const describe = (device: OciDevice) => ({ device, rule: { allow: true, access, ...identity(device) } });
  const found = devicesAt(hostPath, containerPath).map(describe);
  if (found.length === 0) {
    throw systemError(`error gathering device information while adding custom device "${hostPath}": not a device node`);
  }
  return { devices: found.map(({ device }) => device), rules: found.map(({ rule }) => rule) };
}

/** Every device node of the host, for privileged containers. */
export function allHostDevices(): OciDevice[] {
  return devicesBelow('/dev', '/dev');
}

/** Major and minor number of a block or character device, for throttles and rules. */
export function deviceNumber(path: string): { major: number; minor: number } {
  const { rdev } = statSync(path);
  return splitDeviceNumber(rdev);
}

function devicesAt(hostPath: string, containerPath: string): OciDevice[] {
  try {
    const status = statSync(hostPath);
    if (status.isDirectory()) return devicesBelow(hostPath, containerPath);
    const device = deviceOf(containerPath, status);
    return device === undefined ? [] : [device];
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw systemError(
      `error gathering device information while adding custom device "${hostPath}": no such file or directory`,
    );
  }
}

function devicesBelow(folder: string, containerFolder: string): OciDevice[] {
  return readdirSync(folder).flatMap((name) => {
    if (NOT_PASSED_ON.has(name)) return [];
    const path = join(folder, name);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) return [];
    if (status.isDirectory()) return devicesBelow(path, join(containerFolder, name));
    const device = deviceOf(join(containerFolder, name), status);
    return device === undefined ? [] : [device];
  });
}

function deviceOf(
  path: string,
  status: { mode: number; rdev: number; uid: number; gid: number },
): OciDevice | undefined {
  const format = status.mode & S_IFMT;
  if (format !== S_IFCHR && format !== S_IFBLK) return undefined;
  return {
    path,
    type: format === S_IFCHR ? 'c' : 'b',
    ...splitDeviceNumber(status.rdev),
    fileMode: status.mode & 0o7777,
    uid: status.uid,
    gid: status.gid,
  };
}

function identity(device: OciDevice): Pick<OciDeviceRule, 'type' | 'major' | 'minor'> {
  return { type: device.type, major: device.major, minor: device.minor };
}

/** makedev(3) backwards: glibc spreads major and minor over 64 bits. */
function splitDeviceNumber(rdev: number): { major: number; minor: number } {
  const value = BigInt(rdev);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & ~0xfffn);
  const minor = (value & 0xffn) | ((value >> 12n) & ~0xffn & 0xffffffffn);
  return { major: Number(major), minor: Number(minor) };
}
