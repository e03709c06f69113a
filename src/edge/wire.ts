/** What lies below a TLS socket: the TCP connection, as far as the edge has to do with it once TLS has begun. */
import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { getSystemErrorName } from 'node:util';
import type { Addon } from './addon.ts';

export interface Wire {
  /** Bytes that TCP has brought; 0 once it is closed. */
  readonly bytesRead: number;
  /** Closes with a TCP RST. */
  reset(): void;
}

export interface WiredTls {
  readonly tls: TLSSocket;
  readonly wire: Wire;
}

/** Begins TLS on a socket of Node. */
export function wrapSocket(socket: Socket, options: TLSSocketOptions): WiredTls {
  const wire: Wire = {
    get bytesRead() {
      return socket.bytesRead;
    },
    reset: () => void socket.resetAndDestroy(),
  };
  return { tls: new TLSSocket(socket, options), wire };
}

/** Node's handle of TCP below that of TLS. */
interface TcpHandle {
  readonly bytesRead: number;
}

/** Node's handle of a TLS socket, which passes `open` on to the one below it. */
interface TlsSocketHandle {
  readonly _parent: TcpHandle;
  open(fd: number): number;
}

/**
 * Begins TLS on a bare descriptor, which belongs to the TLS socket from here on. No socket is made for TCP itself: Node
 * makes one handle of TCP below a TLS socket that has yet to connect, and this one is given a connection.
 */
export function wrapDescriptor(addon: Addon, fd: number, options: TLSSocketOptions): WiredTls {
  const tls = new TLSSocket(undefined as unknown as Socket, options);
  const handle = (tls as TLSSocket & { readonly _handle: TlsSocketHandle })._handle;
  const tcp = handle._parent;
  const status = handle.open(fd);
  if (status < 0) {
    addon.reset(fd);
    tls.destroy(new Error(`the connection cannot be watched: ${getSystemErrorName(status)}`));
  }
  // why: Node takes a TLS socket without a socket below it for one that has yet to connect, and reads nothing.
  Object.assign(tls, { connecting: false });
  const wire: Wire = {
    get bytesRead() {
      return tcp.bytesRead;
    },
    reset() {
      if (tls.destroyed) return;
      addon.abortOnClose(fd);
      tls.destroy();
    },
  };
  return { tls, wire };
}
