/** The options of Docker's `local` driver: what to mount on a volume while it is used. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { invalidParameter } from '../base/index.ts';
import type { MountFlag, MountOperation } from '../linux/index.ts';

export interface LocalOptions {
  /** The file system type; `none` for a bind mount. */
  readonly type: string;
  readonly device: string;
  /** mount(8) options, comma-separated. */
  readonly o: string;
}

const KNOWN_OPTIONS = new Set(['type', 'device', 'o', 'size']);

/**
 * The mount that the options ask for; undefined if they ask for none.
 *
 * @throws invalidParameter with dockerd's texts, each beginning `create <name>: `
 */
export function parseLocalOptions(
  name: string,
  options: Readonly<Record<string, string>> | null,
): LocalOptions | undefined {
  const bad = (reason: string) => invalidParameter(`create ${name}: ${reason}`);
  const given = options ?? {};
  for (const key of Object.keys(given)) {
    if (!KNOWN_OPTIONS.has(key)) throw bad(`invalid option: ${JSON.stringify(key)}`);
  }
  if (given.size !== undefined) {
    if (!/^\d+(?:\.\d+)? ?(?:[kKmMgGtTpP]?(?:i?[bB])?)$/.test(given.size)) throw bad(`invalid size: '${given.size}'`);
    throw bad('quota size requested but no quota support');
  }
  const { type = '', device = '', o = '' } = given;
  if (type === '' && device === '' && o === '') return undefined;
  if (device === '') throw bad('missing required option: "device"');
  if (type === '') throw bad('missing required option: "type"');
  return { type, device, o };
}

/** mount(8)'s words and the flag bits they set or (false) clear. What is not here goes to the file system as data. */
const OPTION_FLAGS: Readonly<Record<string, readonly [sets: boolean, ...flags: MountFlag[]]>> = {
  defaults: [true],
  ro: [true, 'readonly'],
  rw: [false, 'readonly'],
  suid: [false, 'nosuid'],
  nosuid: [true, 'nosuid'],
  dev: [false, 'nodev'],
  nodev: [true, 'nodev'],
  exec: [false, 'noexec'],
  noexec: [true, 'noexec'],
  sync: [true, 'sync'],
  async: [false, 'sync'],
  dirsync: [true, 'dirsync'],
  remount: [true, 'remount'],
  bind: [true, 'bind'],
  rbind: [true, 'bind', 'recursive'],
  atime: [false, 'noatime'],
  noatime: [true, 'noatime'],
  diratime: [false, 'nodiratime'],
  nodiratime: [true, 'nodiratime'],
  relatime: [true, 'relatime'],
  norelatime: [false, 'relatime'],
  strictatime: [true, 'strictatime'],
  nostrictatime: [false, 'strictatime'],
};

const PROPAGATION_FLAGS: Readonly<Record<string, readonly MountFlag[]>> = {
  shared: ['shared'],
  rshared: ['shared', 'recursive'],
  slave: ['slave'],
  rslave: ['slave', 'recursive'],
  private: ['private'],
  rprivate: ['private', 'recursive'],
  unbindable: ['unbindable'],
  runbindable: ['unbindable', 'recursive'],
};

/** The mount operations that put `options` on `target`, in order. */
export function mountOperations(options: LocalOptions, target: string): MountOperation[] {
  const flags = new Set<MountFlag>();
  const data: string[] = [];
  const propagation: MountFlag[][] = [];
  for (const option of options.o.split(',').filter(Boolean)) {
    const known = OPTION_FLAGS[option];
    const spread = PROPAGATION_FLAGS[option];
    if (known !== undefined) {
      const [sets, ...bits] = known;
      for (const flag of bits) sets ? flags.add(flag) : flags.delete(flag);
    } else if (spread !== undefined) propagation.push([...spread]);
    else data.push(option);
  }
  const source = options.device;
  const mount: MountOperation = {
    op: 'mount',
    source,
    target,
    type: options.type,
    flags: [...flags],
    ...(data.length === 0 ? {} : { data: data.join(',') }),
  };
  const operations = [mount];
  // The kernel ignores these flags when it makes a bind mount; they need a second call.
  const kept = [...flags].filter((flag) => flag !== 'bind' && flag !== 'recursive' && flag !== 'remount');
  if (flags.has('bind') && kept.length > 0) {
    operations.push({ op: 'mount', source: '', target, type: '', flags: ['remount', 'bind', ...kept] });
  }
  for (const bits of propagation) operations.push({ op: 'mount', source: '', target, type: '', flags: bits });
  return operations;
}

/** The options with the host name of `addr=` resolved: the kernel's NFS and CIFS clients take addresses only. */
export async function resolveAddress(options: LocalOptions): Promise<LocalOptions> {
  if (!/^(nfs|cifs|smb)/.test(options.type)) return options;
  const host = /(?:^|,)addr=([^,]*)/.exec(options.o)?.[1] ?? '';
  if (host === '' || isIP(host) !== 0) return options;
  const { address } = await lookup(host);
  return { ...options, o: options.o.replace(/((?:^|,)addr=)[^,]*/, `$1${address}`) };
}
