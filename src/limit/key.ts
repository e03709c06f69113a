/** Keys of the shared tables: a keyed hash of what a counter, limit or challenge is counted by. */
import { SipHash } from './siphash.ts';

/** A 64-bit key in two unsigned halves. */
export interface Key {
  readonly hi: number;
  readonly lo: number;
}

/**
 * Hashes the parts of a key one after the other:
 * `hasher.begin(namespace); hasher.ip(ip16, prefix); hasher.text(ja4); hasher.end()`.
 * The result is in `hi` and `lo`, so the hasher itself is passed where a `Key` is wanted.
 * Every part is framed by its kind and length: different lists of parts are different messages.
 */
export class KeyHasher implements Key {
  hi = 0;
  lo = 0;
  readonly #hash: SipHash;

  /** @param seed 16 random bytes, the same for all who share a table. */
  constructor(seed: Uint8Array) {
    this.#hash = new SipHash(seed);
  }

  /** Starts a key. @param namespace unsigned 32 bits; equal parts under two namespaces are two keys. */
  begin(namespace: number): void {
    this.#hash.reset();
    this.#uint32(namespace);
  }

  /**
   * An address without its last bits.
   * @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d.
   * @param prefix Bits kept of all 128: an IPv4 prefix length plus 96.
   */
  ip(ip: Uint8Array, prefix: number): void {
    this.#hash.byte(1);
    this.#hash.byte(prefix);
    for (let i = 0; i < 16; i++) {
      const kept = prefix - i * 8;
      const mask = kept >= 8 ? 0xff : kept <= 0 ? 0 : (0xff << (8 - kept)) & 0xff;
      this.#hash.byte(ip[i]! & mask);
    }
  }

  text(value: string): void {
    this.#hash.byte(2);
    this.#uint32(value.length);
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      this.#hash.byte(unit);
      this.#hash.byte(unit >>> 8);
    }
  }

  /** @param value An integer of at most 53 bits. */
  number(value: number): void {
    this.#hash.byte(3);
    this.#uint32(value);
    this.#uint32(Math.floor(value / 0x1_0000_0000));
  }

  /** A part that is not known; it differs from every value. */
  missing(): void {
    this.#hash.byte(0);
  }

  end(): void {
    this.#hash.finish();
    this.hi = this.#hash.hi;
    this.lo = this.#hash.lo;
  }

  #uint32(value: number): void {
    this.#hash.byte(value);
    this.#hash.byte(value >>> 8);
    this.#hash.byte(value >>> 16);
    this.#hash.byte(value >>> 24);
  }
}
