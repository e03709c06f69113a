/**
 * A client that keeps TLS busy without a byte of data: OpenSSL answers as many KeyUpdate messages as are sent
 * (RFC 8446 section 4.6.3), each with new keys and one of its own.
 */

/** Bytes of TLS that may come between two bytes of data. A record of data, of which the end is missing, has 16 KiB. */
export const MAX_OVERHEAD_BYTES = 32_768;
/** Between two looks at all connections of a thread. */
export const LOOK_MS = 1_000;

export class Overhead {
  #raw: number;
  #data = 0;

  /** @param raw Bytes that TCP has brought by the end of the handshake. */
  constructor(raw: number) {
    this.#raw = raw;
  }

  /** Bytes that TCP has brought since there was data last, at the time of a look. Both only grow. */
  since(raw: number, data: number): number {
    if (data !== this.#data) {
      this.#data = data;
      this.#raw = raw;
    }
    return raw - this.#raw;
  }
}
