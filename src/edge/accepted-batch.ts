/** The connections that the addon accepted in one turn of the event loop, in memory shared with it. */

const IP_BYTES = 16;
/** Room for one SYN's headers. */
export const SYN_STRIDE = 128;
const ADDRESS_FIELDS = 4;
const ADDRESS = { peerIsV4: 0, peerPort: 1, localIsV4: 2, localPort: 3 } as const;
/** Numbers of one connection's `tcp_info`. */
export const TCP_FIELDS = 12;
const AGAIN = process.platform === 'darwin' ? -35 : -11;

/** The addon's object; `fds` to `hellos` lie in one buffer. */
export interface NativeAcceptor {
  /** 0, or the negative errno that kept it from being made. */
  readonly status: number;
  readonly fds: Int32Array;
  readonly addresses: Int32Array;
  readonly tcp: Int32Array;
  readonly helloLengths: Int32Array;
  readonly synLengths: Int32Array;
  readonly peers: Uint8Array;
  readonly locals: Uint8Array;
  readonly syns: Uint8Array;
  readonly hellos: Uint8Array;
  pause(): number;
  resume(): number;
  close(): void;
}

/**
 * One batch of accepted connections, numbered from 0. Always the same object over the same memory: all of
 * it is valid only during the call. A connection that was not taken by its end is closed.
 */
export class AcceptedBatch {
  /** Connections in this batch. */
  count = 0;
  /** Connections reset because the process was out of descriptors. */
  dropped = 0;
  /** Peeked bytes of all connections; see `helloOffset` and `helloLength`. */
  readonly hellos: Uint8Array;
  readonly #native: NativeAcceptor;
  readonly #stride: number;

  constructor(native: NativeAcceptor, stride: number) {
    this.#native = native;
    this.#stride = stride;
    this.hellos = native.hellos;
  }

  /** The descriptor; from here on the caller closes it. */
  take(index: number): number {
    const { fds } = this.#native;
    const fd = fds[index]!;
    fds[index] = -1;
    return fd;
  }

  helloOffset(index: number): number {
    return index * this.#stride;
  }

  /** Bytes peeked; 0 when none had arrived. */
  helloLength(index: number): number {
    return Math.max(0, this.#native.helloLengths[index]!);
  }

  /** True when the peer had closed before it sent anything, or the connection had failed. */
  isGone(index: number): boolean {
    const length = this.#native.helloLengths[index]!;
    return length === 0 || (length < 0 && length !== AGAIN);
  }

  /** A copy of the peer's address, IPv4 in its v4-mapped form. */
  peerIp(index: number): Uint8Array {
    return this.#native.peers.slice(index * IP_BYTES, (index + 1) * IP_BYTES);
  }

  peerIsV4(index: number): boolean {
    return this.#native.addresses[index * ADDRESS_FIELDS + ADDRESS.peerIsV4] === 1;
  }

  peerPort(index: number): number {
    return this.#native.addresses[index * ADDRESS_FIELDS + ADDRESS.peerPort]!;
  }

  /** A copy of the address the client connected to, IPv4 in its v4-mapped form. */
  localIp(index: number): Uint8Array {
    return this.#native.locals.slice(index * IP_BYTES, (index + 1) * IP_BYTES);
  }

  localIsV4(index: number): boolean {
    return this.#native.addresses[index * ADDRESS_FIELDS + ADDRESS.localIsV4] === 1;
  }

  localPort(index: number): number {
    return this.#native.addresses[index * ADDRESS_FIELDS + ADDRESS.localPort]!;
  }

  /** A copy of the SYN's IP and TCP headers; null when the kernel kept none (SYN cookies, not Linux). */
  syn(index: number): Uint8Array | null {
    const length = this.#native.synLengths[index]!;
    const start = index * SYN_STRIDE;
    return length > 0 ? this.#native.syns.slice(start, start + length) : null;
  }

  /** Smoothed round-trip time of the TCP handshake; null when the kernel does not tell. */
  rttUs(index: number): number | null {
    const rtt = this.#native.tcp[index * TCP_FIELDS]!;
    return rtt > 0 ? rtt : null;
  }
}
