/** Keys of the shared tables: a keyed hash of what a counter, limit or challenge is counted by. */
import { SipHash } from './siphash.ts';

const KIND_BITS = 4;
const KIND = { ip: 1, text: 2, number: 3, key: 4 } as const;

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
    this.#hash.word(namespace);
  }

  /**
   * An address without its last bits.
   * @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d.
   * @param prefix Bits kept of all 128: an IPv4 prefix length plus 96.
   */
  ip(ip: Uint8Array, prefix: number): void {
    this.#hash.word(KIND.ip | (prefix << KIND_BITS));
    for (let i = 0; i < 16; i += 4) {
      const kept = prefix - i * 8;
      const mask = kept >= 32 ? -1 : kept <= 0 ? 0 : -1 << (32 - kept);
      this.#hash.word(((ip[i]! << 24) | (ip[i + 1]! << 16) | (ip[i + 2]! << 8) | ip[i + 3]!) & mask);
    }
  }

  text(value: string): void {
    const { length } = value;
    this.#hash.word(KIND.text);
    this.#hash.word(length);
    for (let i = 0; i < length; i += 2) {
      const second = i + 1 < length ? value.charCodeAt(i + 1) : 0;
      this.#hash.word(value.charCodeAt(i) | (second << 16));
    }
  }

  /** @param value An integer of at most 53 bits. */
  number(value: number): void {
    this.#hash.word(KIND.number);
    this.#hash.word(value);
    this.#hash.word(Math.floor(value / 0x1_0000_0000));
  }

  /** Another key, of parts that are hashed already. */
  key({ hi, lo }: Key): void {
    this.#hash.word(KIND.key);
    this.#hash.word(hi);
    this.#hash.word(lo);
  }

  end(): void {
    this.#hash.finish();
    this.hi = this.#hash.hi;
    this.lo = this.#hash.lo;
  }
}
