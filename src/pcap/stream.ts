/**
 * One direction of a TCP connection, put in order: what arrives early waits, what arrives twice is passed over, and of
 * bytes that overlap the first stay (RFC 9293 leaves the choice open).
 */

/** Segments and bytes that wait for a gap to close; more, and the stream is given up. */
const MAX_WAITING = 64;
const MAX_WAITING_BYTES = 128 * 1024;

interface Waiting {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** How far `a` is ahead of `b`, on the circle of 32 bits. */
const ahead = (a: number, b: number): number => (a - b) | 0;

export class OrderedStream {
  #next: number;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  /** Bytes kept until a gap closes. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** @param next Sequence number of the first byte. */
  constructor(next: number) {
    this.#next = next >>> 0;
  }

  /**
   * Takes a segment; `deliver` gets its bytes, and those that it makes follow on, in order: each call one segment.
   * Returns false when too much waits.
   */
  push(sequence: number, bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): boolean {
    if (bytes.length === 0) return true;
    if (ahead(sequence, this.#next) > 0) return this.#keep(sequence, bytes);
    this.#deliver(sequence, bytes, deliver);
    while (this.#waiting.length > 0 && ahead(this.#waiting[0]!.sequence, this.#next) <= 0) {
      const first = this.#waiting.shift()!;
      this.#waitingBytes -= first.bytes.length;
      this.#deliver(first.sequence, first.bytes, deliver);
    }
    return true;
  }

  #deliver(sequence: number, bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const fresh = bytes.subarray(ahead(this.#next, sequence));
    if (fresh.length === 0) return;
    this.#next = (this.#next + fresh.length) >>> 0;
    deliver(fresh);
  }

  #keep(sequence: number, bytes: Uint8Array): boolean {
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + bytes.length > MAX_WAITING_BYTES)
      return false;
    // why: the same segment again would wait twice; of two that begin alike the longer tells more.
    const same = this.#waiting.findIndex((each) => each.sequence === sequence);
    if (same !== -1 && this.#waiting[same]!.bytes.length >= bytes.length) return true;
    if (same !== -1) this.#waitingBytes -= this.#waiting.splice(same, 1)[0]!.bytes.length;
    const place = this.#waiting.findIndex((each) => ahead(each.sequence, sequence) > 0);
    this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, { sequence, bytes: bytes.slice() });
    this.#waitingBytes += bytes.length;
    return true;
  }
}
