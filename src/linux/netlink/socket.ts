import { closeSync } from 'node:fs';
import type { KoffiFunc } from 'koffi';
import { errnoOf } from '../../base/index.ts';
import { checked, declare, SystemError } from '../libc.ts';
import { decodeAttributes, decodeMessages, decodeText, encodeMessage, type Message } from './message.ts';

const socketCall = declare<(domain: number, type: number, protocol: number) => number>(
  'int socket(int domain, int type, int protocol)',
);
const setsockopt = declare<(fd: number, level: number, name: number, value: Int32Array, length: number) => number>(
  'int setsockopt(int fd, int level, int name, const void *value, unsigned int length)',
);
const sendCall = declare<(fd: number, buffer: Buffer, length: number, flags: number) => number>(
  'long send(int fd, const void *buffer, size_t length, int flags)',
);
const sendInBackground = sendCall as unknown as KoffiFunc<typeof sendCall>;
const recvCall = declare<(fd: number, buffer: Buffer, length: number, flags: number) => number>(
  'long recv(int fd, void *buffer, size_t length, int flags)',
);

// <sys/socket.h>, <linux/netlink.h>
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_ROUTE = 0;
const NETLINK_NETFILTER = 12;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 0x1;
const NLM_F_MULTI = 0x2;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
// errno, then the header of the failed request (NETLINK_CAP_ACK drops its payload).
const ERROR_PAYLOAD_SIZE = 20;
const ERROR_TLVS_WITHOUT_CAP = 4;

// The kernel fills dump datagrams of at most 32 KiB (netlink_dump in net/netlink/af_netlink.c).
const RECEIVE_BUFFER_SIZE = 64 * 1024;

/** A netlink socket in the namespace the calling thread was in when it opened it. All calls block. */
export class NetlinkSocket implements Disposable {
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafeSlow(RECEIVE_BUFFER_SIZE);
  #sequence = 0;

  private constructor(protocol: number) {
    this.#descriptor = checked(socketCall(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), 'socket', 'netlink');
    const on = new Int32Array([1]);
    // Both make errors more telling; a kernel without them (before 4.12) does without.
    setsockopt(this.#descriptor, SOL_NETLINK, NETLINK_CAP_ACK, on, on.byteLength);
    setsockopt(this.#descriptor, SOL_NETLINK, NETLINK_EXT_ACK, on, on.byteLength);
  }

  /** For links, addresses, routes and neighbours. */
  static openRoute(): NetlinkSocket {
    return new NetlinkSocket(NETLINK_ROUTE);
  }

  /** For connection tracking. */
  static openNetfilter(): NetlinkSocket {
    return new NetlinkSocket(NETLINK_NETFILTER);
  }

  /** Sends one request and waits for its acknowledgement; throws a {@link SystemError} with the kernel's own text. */
  request(type: number, flags: number, payload: Buffer, subject: string): void {
    this.#send(type, flags | NLM_F_REQUEST | NLM_F_ACK, payload);
    this.#receive(subject, () => {});
  }

  /** Sends one request that is answered by one message, which `visit` gets. */
  ask(type: number, payload: Buffer, subject: string, visit: (payload: Buffer) => void): void {
    this.#send(type, NLM_F_REQUEST | NLM_F_ACK, payload);
    this.#receive(subject, (message) => visit(message.payload));
  }

  /**
   * Like `request`, off the thread: the kernel does the work inside send(2), which another thread calls. An error named
   * in `fine` is none.
   */
  async requestInBackground(type: number, payload: Buffer, subject: string, fine: readonly string[]): Promise<void> {
    this.#sequence += 1;
    const message = encodeMessage(type, NLM_F_REQUEST | NLM_F_ACK, this.#sequence, payload);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    sendInBackground.async(this.#descriptor, message, message.length, 0, (error: unknown, sent: number) =>
      error ? reject(error) : resolve(sent),
    );
    if ((await promise) === -1) throw new Error(`${subject}: the request could not be sent`);
    try {
      this.#receive(subject, () => {});
    } catch (error) {
      if (!fine.includes(errnoOf(error) ?? '')) throw error;
    }
  }

  /** Sends one dump request and hands every message to `visit`. */
  dump(type: number, payload: Buffer, subject: string, visit: (payload: Buffer) => void): void {
    this.#send(type, NLM_F_REQUEST | NLM_F_DUMP, payload);
    this.#receive(subject, (message) => visit(message.payload));
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #send(type: number, flags: number, payload: Buffer): void {
    this.#sequence += 1;
    const message = encodeMessage(type, flags, this.#sequence, payload);
    checked(sendCall(this.#descriptor, message, message.length, 0), 'send', 'netlink');
  }

  #receive(subject: string, visit: (message: Message) => void): void {
    for (;;) {
      const length = checked(recvCall(this.#descriptor, this.#buffer, this.#buffer.length, 0), 'recv', 'netlink');
      for (const message of decodeMessages(this.#buffer.subarray(0, length))) {
        if (message.sequence !== this.#sequence) continue;
        if (message.type === NLMSG_DONE) return;
        if (message.type === NLMSG_ERROR) {
          throwIfError(message, subject);
          return;
        }
        visit(message);
      }
    }
  }
}

function throwIfError({ payload, flags }: Message, subject: string): void {
  const errno = -payload.readInt32LE(0);
  if (errno === 0) return;
  const start = (flags & NLM_F_MULTI) === 0 ? ERROR_PAYLOAD_SIZE : ERROR_TLVS_WITHOUT_CAP;
  const attributes = (flags & NLM_F_ACK_TLVS) === 0 ? undefined : decodeAttributes(payload.subarray(start));
  const explanation = decodeText(attributes?.get(NLMSGERR_ATTR_MSG));
  throw new SystemError('netlink', errno, explanation === '' ? subject : `${subject} (${explanation})`);
}
