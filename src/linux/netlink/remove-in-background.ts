import { removeLinkMessage } from './link.ts';
import { NetlinkSocket } from './socket.ts';

/**
 * Removes links of the calling thread's namespace without keeping anybody waiting: the kernel takes tens of
 * milliseconds for it (it waits until no processor can still be using the device), and neither the event loop nor the
 * kernel thread is held up. Resolves when all are gone; a missing one is fine.
 */
export async function removeLinksInBackground(links: readonly string[]): Promise<void> {
  using socket = NetlinkSocket.openRoute();
  for (const link of links) {
    const { type, payload } = removeLinkMessage(link);
    await socket.requestInBackground(type, payload, `remove link ${link}`, ['ENODEV']);
  }
}
