/**
 * Addresses of clients that were lately served without trouble, in memory that all workers share: a list that would
 * turn many of them away is wrong. A sample, not a record: each address has one slot by a keyed hash, the latest wins,
 * and nothing is locked. Two writers at once can leave a slot with parts of both addresses, which harms no sample.
 */
import type { Key } from '../limit/key.ts';

/** Addresses that are remembered at most. */
export const GOOD_SLOTS = 4_096;
/** How long one counts. */
const KEPT_MINUTES = 60;
const MINUTE_MS = 60_000;
/** Words of a slot: the address, and when it was noted in minutes since the epoch; 0: never. */
const WORDS = 5;
const ADDRESS_BYTES = 16;

export function createGoodSample(): SharedArrayBuffer {
  return new SharedArrayBuffer(GOOD_SLOTS * WORDS * 4);
}

export class GoodSample {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Uint32Array(memory);
    this.#bytes = new Uint8Array(memory);
  }

  /** @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d. @param key Its keyed hash, which clients cannot choose. */
  note(ip: Uint8Array, key: Key, nowMs: number): void {
    const slot = key.lo % GOOD_SLOTS;
    this.#bytes.set(ip, slot * WORDS * 4);
    this.#words[slot * WORDS + 4] = Math.floor(nowMs / MINUTE_MS);
  }

  /** The addresses of the last hour, 16 bytes each. */
  recent(nowMs: number): Uint8Array {
    const oldest = Math.floor(nowMs / MINUTE_MS) - KEPT_MINUTES;
    const found = new Uint8Array(GOOD_SLOTS * ADDRESS_BYTES);
    let end = 0;
    for (let slot = 0; slot < GOOD_SLOTS; slot++) {
      if (this.#words[slot * WORDS + 4]! <= oldest) continue;
      found.set(this.#bytes.subarray(slot * WORDS * 4, slot * WORDS * 4 + ADDRESS_BYTES), end);
      end += ADDRESS_BYTES;
    }
    return found.slice(0, end);
  }
}
