import { closeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { errnoOf } from '../base/index.ts';
import { checked, declare } from './libc.ts';
import type { BindSocketOperation, BoundSocket, CloseOperation } from './operations.ts';

const socketCall = declare<(domain: number, type: number, protocol: number) => number>(
  'int socket(int domain, int type, int protocol)',
);
const bindCall = declare<(fd: number, address: Buffer, length: number) => number>(
  'int bind(int fd, const void *address, unsigned int length)',
);
const listenCall = declare<(fd: number, backlog: number) => number>('int listen(int fd, int backlog)');
const getsockname = declare<(fd: number, address: Buffer, length: Int32Array) => number>(
  'int getsockname(int fd, void *address, int *length)',
);
const setsockopt = declare<(fd: number, level: number, name: number, value: Int32Array, length: number) => number>(
  'int setsockopt(int fd, int level, int name, const void *value, unsigned int length)',
);
const inetPton = declare<(family: number, text: string, address: Buffer) => number>(
  'int inet_pton(int family, const char *text, void *address)',
);

// <sys/socket.h>, <netinet/in.h>
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const LISTEN_BACKLOG = 128;
const SOCKADDR_IN_SIZE = 16;
const SOCKADDR_IN6_SIZE = 28;
const PORT_OFFSET = 2;
const IPV4_OFFSET = 4;
const IPV6_OFFSET = 8;

/** Binds a socket in the current namespace of the thread; EADDRINUSE, EADDRNOTAVAIL, EACCES as bind(2) has them. */
export function bindSocket({ type, address, port, listen }: BindSocketOperation): BoundSocket {
  const family = isIPv6(address) ? AF_INET6 : AF_INET;
  const kind = (type === 'tcp' ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const descriptor = checked(socketCall(family, kind, 0), 'socket');
  try {
    const on = new Int32Array([1]);
    if (family === AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, on, on.byteLength);
    // Without it a port whose last connections are in TIME_WAIT could not be bound again; for UDP it would allow two owners.
    if (type === 'tcp') setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, on, on.byteLength);
    const socketAddress = encodeSocketAddress(family, address, port);
    checked(bindCall(descriptor, socketAddress, socketAddress.length), 'bind', `${address}:${port}`);
    if (listen === true) checked(listenCall(descriptor, LISTEN_BACKLOG), 'listen', `${address}:${port}`);
    const length = new Int32Array([socketAddress.length]);
    checked(getsockname(descriptor, socketAddress, length), 'getsockname');
    return { descriptor, port: socketAddress.readUInt16BE(PORT_OFFSET) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Closes descriptors. */
export function closeDescriptors({ descriptors }: CloseOperation): undefined {
  for (const descriptor of descriptors) {
    try {
      closeSync(descriptor);
    } catch (error) {
      if (errnoOf(error) !== 'EBADF') throw error;
    }
  }
}

function encodeSocketAddress(family: number, address: string, port: number): Buffer {
  const buffer = Buffer.alloc(family === AF_INET ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE);
  buffer.writeUInt16LE(family, 0);
  buffer.writeUInt16BE(port, PORT_OFFSET);
  const offset = family === AF_INET ? IPV4_OFFSET : IPV6_OFFSET;
  checked(inetPton(family, address, buffer.subarray(offset)) === 1 ? 0 : -1, 'inet_pton', address);
  return buffer;
}
