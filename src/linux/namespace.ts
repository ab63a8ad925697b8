import { closeSync, openSync, rmSync } from 'node:fs';
import { checked, declare } from './libc.ts';
import { mount, unmount } from './mount.ts';
import { configureLink } from './netlink/link.ts';
import { NetlinkSocket } from './netlink/socket.ts';
import type { MakeNamespaceOperation, RemoveNamespaceOperation } from './operations.ts';

const unshareCall = declare<(flags: number) => number>('int unshare(int flags)');
const setnsCall = declare<(descriptor: number, kind: number) => number>('int setns(int fd, int nstype)');

// <linux/sched.h>
const CLONE_FS = 0x200;
const CLONE_NEWNET = 0x40000000;

const OWN_NETWORK_NAMESPACE = '/proc/thread-self/ns/net';

/** Gives the calling thread a working directory of its own (it shares the process's otherwise). */
export function unshareFileSystemAttributes(): void {
  checked(unshareCall(CLONE_FS), 'unshare');
}

/**
 * The network namespaces that the calling thread works in: its own, and others it visits. A failure to return is a
 * {@link LostNamespaceError}, after which the thread must not go on.
 */
export class NetworkNamespaces implements Disposable {
  readonly #own: number;

  constructor() {
    this.#own = openSync(OWN_NETWORK_NAMESPACE, 'r');
  }

  /** Enters the namespace pinned at `path`. */
  visit(path: string): void {
    const descriptor = openSync(path, 'r');
    try {
      checked(setnsCall(descriptor, CLONE_NEWNET), 'setns', path);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Returns to the thread's own namespace. */
  goHome(): void {
    try {
      checked(setnsCall(this.#own, CLONE_NEWNET), 'setns');
    } catch (cause) {
      throw new LostNamespaceError('the kernel thread cannot return to its network namespace', { cause });
    }
  }

  /** Makes a namespace and pins it; nothing is left if that fails. */
  make({ path }: MakeNamespaceOperation): undefined {
    closeSync(openSync(path, 'wx', 0o444));
    try {
      checked(unshareCall(CLONE_NEWNET), 'unshare');
      try {
        mount({ op: 'mount', source: OWN_NETWORK_NAMESPACE, target: path, type: '', flags: ['bind'] });
        using socket = NetlinkSocket.openRoute();
        configureLink(socket, { op: 'configureLink', link: 'lo', up: true });
      } finally {
        this.goHome();
      }
    } catch (error) {
      if (!(error instanceof LostNamespaceError)) this.remove({ op: 'removeNamespace', path });
      throw error;
    }
  }

  /**
   * Unpins a namespace. Unlinking also drops the copies of the mount in other mount namespaces (Linux 3.18: a mount
   * point elsewhere is detached when its file goes), so no shared mount is needed as `ip netns` makes one.
   */
  remove({ path }: RemoveNamespaceOperation): undefined {
    unmount({ op: 'unmount', target: path, detach: true, ignoreMissing: true });
    rmSync(path, { force: true });
  }

  [Symbol.dispose](): void {
    closeSync(this.#own);
  }
}

/** The calling thread is in a foreign namespace and cannot leave it. */
export class LostNamespaceError extends Error {
  override readonly name = 'LostNamespaceError';
}
