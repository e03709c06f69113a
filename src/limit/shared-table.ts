/**
 * The store under the rate, bucket and clearance tables: a fixed number of slots in memory that all
 * workers share. A key may stand in any slot of one set of eight; a full set loses its oldest entry.
 *
 * Layout: 32 bytes of header (word 0: evictions), one lock word for each set, then the slots, each
 * 32 bytes: key (2 × uint32), touched (float64, ms), expires (float64, ms), value (8 bytes).
 */
import type { Key } from './key.ts';

const WAYS = 8;
const SLOT_BYTES = 32;
const HEADER_BYTES = 32;
const EVICTIONS = 0;
const FIRST_LOCK = HEADER_BYTES / 4;
/** A lock is held for some 100 ns. One that outlasts these tries has a holder that lost its processor. */
const SPINS = 200;
/** Sleeps of 1 ms, which leave the holder the processor, before the event is given up. */
const SLEEPS = 20;
/** The holder of a lock this old was terminated while it held it. */
const ABANDONED_MS = 1000;
/** An entry touched this far in the future stems from before the clock was set back. */
const CLOCK_STEP_MS = 60_000;

/** Offsets in a slot, in 4-byte words and in 8-byte cells. */
export const WORD = { keyHigh: 0, keyLow: 1, first: 6, second: 7 } as const;
export const CELL = { touched: 1, expires: 2, value: 3 } as const;

/** Memory for a table of at least `slots` entries (rounded up to a multiple of 64). */
export function createTable(slots: number): SharedArrayBuffer {
  if (!Number.isSafeInteger(slots) || slots < 1) throw new RangeError(`a table cannot have ${slots} slots`);
  // why: the slots begin at a multiple of their size, behind one 4-byte lock for each set.
  const sets = Math.ceil(slots / WAYS / 8) * 8;
  return new SharedArrayBuffer(HEADER_BYTES + sets * (4 + WAYS * SLOT_BYTES));
}

/** One thread's view of a table's memory. All who share a table pass the same clock. */
export class SharedTable {
  readonly words: Uint32Array;
  readonly cells: Float64Array;
  readonly #locks: Int32Array;
  readonly #sets: number;
  readonly #firstSlot: number;
  #high = 0;
  #low = 0;
  #set = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#sets = (memory.byteLength - HEADER_BYTES) / (4 + WAYS * SLOT_BYTES);
    if (!Number.isInteger(this.#sets)) throw new RangeError('this memory was not made by createTable');
    this.words = new Uint32Array(memory);
    this.cells = new Float64Array(memory);
    this.#locks = new Int32Array(memory);
    this.#firstSlot = (HEADER_BYTES + this.#sets * 4) / SLOT_BYTES;
  }

  get slots(): number {
    return this.#sets * WAYS;
  }

  /** Entries that were still of use when another took their slot, since the table was made. */
  get evictions(): number {
    return Atomics.load(this.words, EVICTIONS);
  }

  /** Locks the set of a key. On true the caller must call `unlock` after a few plain reads and writes. */
  lock(key: Key, nowMs: number): boolean {
    this.#high = key.hi;
    // why: 0, 0 marks a free slot.
    this.#low = key.lo === 0 && this.#high === 0 ? 1 : key.lo;
    this.#set = ((this.#low ^ Math.imul(this.#high, 0x85ebca6b)) >>> 0) % this.#sets;
    const at = FIRST_LOCK + this.#set;
    const stamp = Math.trunc(nowMs % 0x3fffffff) + 1;
    for (let tries = 0; tries < SPINS + SLEEPS; tries++) {
      const holder = Atomics.compareExchange(this.#locks, at, 0, stamp);
      if (holder === 0) return true;
      if (Math.abs(stamp - holder) > ABANDONED_MS) {
        if (Atomics.compareExchange(this.#locks, at, holder, stamp) === holder) return true;
      }
      if (tries >= SPINS) Atomics.wait(this.#locks, at, holder, 1);
    }
    return false;
  }

  unlock(): void {
    Atomics.store(this.#locks, FIRST_LOCK + this.#set, 0);
  }

  /** The locked key's slot, or -1. An entry that expired, or that a stepped clock left behind, does not count. */
  find(nowMs: number): number {
    const first = this.#firstSlot + this.#set * WAYS;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.words[slot * 8 + WORD.keyLow] !== this.#low) continue;
      if (this.words[slot * 8 + WORD.keyHigh] !== this.#high) continue;
      const stale = this.cells[slot * 4 + CELL.touched]! - nowMs > CLOCK_STEP_MS;
      return this.cells[slot * 4 + CELL.expires]! > nowMs && !stale ? slot : -1;
    }
    return -1;
  }

  /**
   * Gives the locked key a slot with value 0: its own, else a free or expired one, else that of the
   * entry touched longest ago.
   */
  claim(nowMs: number): number {
    const first = this.#firstSlot + this.#set * WAYS;
    let chosen = -1;
    let oldest = -1;
    for (let slot = first; slot < first + WAYS; slot++) {
      const own =
        this.words[slot * 8 + WORD.keyLow] === this.#low &&
        this.words[slot * 8 + WORD.keyHigh] === this.#high;
      if (own) {
        chosen = slot;
        break;
      }
      if (this.cells[slot * 4 + CELL.expires]! <= nowMs) chosen = slot;
      if (oldest === -1 || this.cells[slot * 4 + CELL.touched]! < this.cells[oldest * 4 + CELL.touched]!) {
        oldest = slot;
      }
    }
    if (chosen === -1) {
      chosen = oldest;
      Atomics.add(this.words, EVICTIONS, 1);
    }
    this.words[chosen * 8 + WORD.keyHigh] = this.#high;
    this.words[chosen * 8 + WORD.keyLow] = this.#low;
    this.cells[chosen * 4 + CELL.touched] = nowMs;
    this.cells[chosen * 4 + CELL.expires] = nowMs;
    this.cells[chosen * 4 + CELL.value] = 0;
    return chosen;
  }
}
