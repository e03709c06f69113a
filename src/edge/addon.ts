/**
 * The native addon: listening sockets that keep the SYN, connections accepted and looked at in batches, and what
 * `tls-addon.ts` says of TLS. Every part of the edge works without it, with facts missing.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import { AcceptedBatch, type NativeAcceptor, SYN_STRIDE, TCP_FIELDS } from './accepted-batch.ts';
import { type NativeTls, TlsAddon } from './tls-addon.ts';

export interface NativeListenOptions {
  /** An IP literal, without brackets. `::` also takes IPv4. */
  readonly host: string;
  /** 0 lets the kernel choose; see `boundPort`. */
  readonly port: number;
  readonly backlog: number;
  /** Share the port with other sockets of this user; the kernel spreads connections over them. */
  readonly reusePort: boolean;
  /** Keep each connection's SYN. Ignored where the kernel cannot. */
  readonly saveSyn: boolean;
  /** Hold a connection back until its first bytes came, at most so many seconds; 0: off. */
  readonly deferAcceptSeconds: number;
}

export interface AcceptOptions {
  /** Connections taken in one turn of the loop, 1 to 1,024. */
  readonly batch: number;
  /** Bytes of each connection copied for a look, 1 to 65,536. */
  readonly peekBytes: number;
}

/** What the kernel knows of a TCP connection (Linux `tcp_info`). Times in microseconds, sizes in bytes. */
export interface TcpInfo {
  readonly rttUs: number;
  readonly rttVarUs: number;
  readonly minRttUs: number;
  readonly sendMss: number;
  readonly receiveMss: number;
  readonly advertisedMss: number;
  readonly pathMtu: number;
  readonly retransmits: number;
  /** `TCPI_OPT_*` bits: 1 timestamps, 2 SACK, 4 window scale, 8 ECN. */
  readonly options: number;
  readonly sendWindowScale: number;
  readonly receiveWindowScale: number;
  readonly bytesReceived: number;
}

/** Bits of what ended a wait. */
export const READABLE = 1;
export const HUNG_UP = 2;

interface NativeWaiter {
  wait(fd: number, bytes: number): number;
  cancel(fd: number): boolean;
  close(): void;
}

interface Native extends NativeTls {
  listen(options: object): number;
  adopt(fd: number): number;
  dup(fd: number): number;
  close(fd: number): number;
  boundPort(fd: number): number;
  peek(fd: number, into: Uint8Array): number;
  skip(fd: number, bytes: number): number;
  savedSyn(fd: number, into: Uint8Array): number;
  tcpInfo(fd: number, into: Int32Array): number;
  reset(fd: number): number;
  abortOnClose(fd: number): number;
  send(fd: number, bytes: Uint8Array): number;
  finish(fd: number, bytes: Uint8Array): number;
  readonly Acceptor: new (
    fd: number,
    options: AcceptOptions,
    callback: (count: number, dropped: number, error: number) => void,
  ) => NativeAcceptor;
  readonly Waiter: new (callback: (fd: number, events: number) => void) => NativeWaiter;
  runInBackground(): number;
  readonly capturesTls: boolean;
}

/** A failed system call, in the shape of Node's own. */
function systemError(errno: number, syscall: string, detail = ''): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  const error: NodeJS.ErrnoException = new Error(
    `${syscall} ${code}: ${getSystemErrorMessage(errno)}${detail}`,
  );
  return Object.assign(error, { errno, code, syscall });
}

function check(result: number, syscall: string, detail = ''): number {
  if (result < 0) throw systemError(result, syscall, detail);
  return result;
}

/** Accepts on one listening socket, in this thread's event loop, until it is closed. */
export interface Acceptor {
  /** Stops accepting; connections wait in the kernel's queue. */
  pause(): void;
  resume(): void;
  /** Stops for good and closes the descriptor it was given. */
  close(): void;
}

/**
 * Waits on connections that no Node handle owns. While it waits, a descriptor must not be used otherwise.
 * The descriptors stay the caller's: a thread that ends leaves them open, for whoever keeps account of them.
 */
export interface Waiter {
  /**
   * Waits once: until at least `bytes` are in the queue (peeked ones count) or the peer hangs up; with 0
   * bytes, until it hangs up. Returns 0 or a negative errno.
   */
  wait(fd: number, bytes: number): number;
  /** Stops waiting and leaves the descriptor open; false when it was not waited for. */
  cancel(fd: number): boolean;
  /** Ends all waits and closes their descriptors. */
  close(): void;
}

export class Addon {
  /** Null: this Node's OpenSSL could not be found. */
  readonly tls: TlsAddon | null;
  readonly #native: Native;
  readonly #tcp = new Int32Array(TCP_FIELDS);
  readonly #syn = new Uint8Array(SYN_STRIDE);

  constructor(native: Native) {
    this.#native = native;
    this.tls = native.capturesTls ? new TlsAddon(native) : null;
  }

  /** Opens a listening socket; the descriptor is the caller's. @throws the system error (EADDRINUSE, EACCES…). */
  listen({ host, ...options }: NativeListenOptions): number {
    return check(this.#native.listen({ ...options, address: host }), 'listen', ` ${host}:${options.port}`);
  }

  /** Takes over an inherited listening socket. @throws the system error; EINVAL when it does not listen. */
  adopt(fd: number): void {
    check(this.#native.adopt(fd), 'adopt');
  }

  /** A second descriptor of the same socket. Its queue lives until the last one is closed. @throws EMFILE, EBADF. */
  dup(fd: number): number {
    return check(this.#native.dup(fd), 'dup');
  }

  /** @throws EBADF. */
  close(fd: number): void {
    check(this.#native.close(fd), 'close');
  }

  /** The port a socket is bound to. @throws EBADF. */
  boundPort(fd: number): number {
    return check(this.#native.boundPort(fd), 'getsockname');
  }

  /**
   * Accepts from `fd`, which belongs to the acceptor from here on. `onError` reports an error that lasts
   * (EMFILE with no descriptor to spare, ENOBUFS…): the acceptor has paused itself. @throws the system error.
   */
  accept(
    fd: number,
    options: AcceptOptions,
    onBatch: (batch: AcceptedBatch) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ): Acceptor {
    const native = new this.#native.Acceptor(fd, options, (count, dropped, error) => {
      batch.count = count;
      batch.dropped = dropped;
      if (count > 0 || dropped > 0) onBatch(batch);
      if (error < 0) onError(systemError(error, 'accept'));
    });
    const batch = new AcceptedBatch(native, options.peekBytes);
    check(native.status, 'accept');
    check(native.resume(), 'accept');
    return native as Acceptor;
  }

  /** `onReady` gets `READABLE` and `HUNG_UP` bits, or a negative errno for a connection that failed. */
  waiter(onReady: (fd: number, events: number) => void): Waiter {
    return new this.#native.Waiter(onReady);
  }

  /** Copies what waits without taking it: bytes copied, 0 once the peer has closed, else a negative errno. */
  peek(fd: number, into: Uint8Array): number {
    return this.#native.peek(fd, into);
  }

  /** Takes bytes that were peeked and throws them away: how many, or a negative errno. */
  skip(fd: number, bytes: number): number {
    return this.#native.skip(fd, bytes);
  }

  /** The SYN's IP and TCP headers; null when there is none. The kernel gives it once. */
  savedSyn(fd: number): Uint8Array | null {
    const length = this.#native.savedSyn(fd, this.#syn);
    return length > 0 ? this.#syn.slice(0, length) : null;
  }

  /** Null where the kernel does not tell. */
  tcpInfo(fd: number): TcpInfo | null {
    const row = this.#tcp;
    if (this.#native.tcpInfo(fd, row) < 0) return null;
    return {
      rttUs: row[0]!,
      rttVarUs: row[1]!,
      minRttUs: row[2]!,
      sendMss: row[3]!,
      receiveMss: row[4]!,
      advertisedMss: row[5]!,
      pathMtu: row[6]!,
      retransmits: row[7]!,
      options: row[8]!,
      sendWindowScale: row[9]!,
      receiveWindowScale: row[10]!,
      bytesReceived: row[11]!,
    };
  }

  /** Closes with a TCP RST. Returns 0 or a negative errno. */
  reset(fd: number): number {
    return this.#native.reset(fd);
  }

  /** Has the connection end with a TCP RST, whoever closes it. Returns 0 or a negative errno. */
  abortOnClose(fd: number): number {
    return this.#native.abortOnClose(fd);
  }

  /** Writes without waiting: bytes the kernel took, or a negative errno. */
  send(fd: number, bytes: Uint8Array): number {
    return this.#native.send(fd, bytes);
  }

  /** Throws away the input that waits, sends the bytes and FIN, and closes. Returns 0 or a negative errno. */
  finish(fd: number, bytes: Uint8Array): number {
    return this.#native.finish(fd, bytes);
  }

  /** From here on this thread runs only where no other one wants the processor; false where the kernel does not do so. */
  runInBackground(): boolean {
    return this.#native.runInBackground() === 0;
  }
}

/** Loads the addon; works in every thread. `reason` says why there is none. */
export function loadAddon(): { readonly addon: Addon | null; readonly reason: string | null } {
  const file = fileURLToPath(new URL('../../build/Release/sallyport_addon.node', import.meta.url));
  try {
    return { addon: new Addon(createRequire(import.meta.url)(file) as Native), reason: null };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'MODULE_NOT_FOUND' ? 'it was not built' : message.split('\n', 1)[0]!;
    return { addon: null, reason };
  }
}
