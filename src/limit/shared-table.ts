/**
 * The store under the rate, bucket, clearance and history tables: a fixed number of entries in memory that
 * all workers share. A key may stand in any entry of one set of eight; a full set loses its oldest entry.
 *
 * Finding an entry and changing its values takes no lock: each value is one word that is changed by
 * compare-and-exchange, or not at all. Only making a new entry locks its set, for some 100 ns.
 *
 * Layout, in 32-bit words: a header of eight, one lock for each set, then the entries: two words of key, the
 * ticks at which it was touched and at which it expires, then its values.
 */
import type { Key } from './key.ts';

const WAYS = 8;
const HEADER_WORDS = 8;
const HEADER = { evictions: 0, used: 1, lost: 2, entryWords: 3 } as const;
const WORD = { tag: 0, key: 1, touched: 2, expires: 3 } as const;
/** Words of an entry before its values. */
const OWN_WORDS = 4;
/** One that outlasts these tries has a holder that lost its processor. */
const SPINS = 200;
/** Sleeps of 1 ms, which leave the holder the processor, before the event is given up. */
const SLEEPS = 20;
/** The holder of a lock this old was terminated while it held it. */
const ABANDONED_MS = 1000;

/** Times are kept in ticks, modulo 2^32: what lies further apart than 248 days cannot be told apart. */
const TICK_MS = 10;
const MAX_TICKS = 0x7fff_ffff;
/** An entry touched this far in the future stems from before the clock was set back. */
const CLOCK_STEP_TICKS = 60_000 / TICK_MS;

/** One entry that is of use, as it is saved. */
export interface SavedEntry {
  readonly key: Key;
  /** Milliseconds since it was last touched, and until it expires. */
  readonly ageMs: number;
  readonly leftMs: number;
  readonly values: Int32Array;
}

/** Memory for a table of at least `slots` entries (rounded up to a multiple of 64). */
export function createTable(slots: number, valueWords: number): SharedArrayBuffer {
  if (!Number.isSafeInteger(slots) || slots < 1) throw new RangeError(`a table cannot have ${slots} slots`);
  const sets = Math.ceil(slots / WAYS / 8) * 8;
  const entryWords = OWN_WORDS + valueWords;
  const memory = new SharedArrayBuffer(4 * (HEADER_WORDS + sets * (1 + WAYS * entryWords)));
  new Int32Array(memory)[HEADER.entryWords] = entryWords;
  return memory;
}

function tagOf(key: Key): number {
  // why: 0 marks a free entry.
  return (Math.imul(key.hi, 0x9e3779b1) ^ key.lo) | 0 || 1;
}

function tickOf(ms: number): number {
  return Math.floor(ms / TICK_MS) | 0;
}

/** One thread's view of a table's memory. All who share a table pass the same clock. */
export class SharedTable {
  readonly words: Int32Array;
  readonly valueWords: number;
  /** Whether the last `claim` made the entry that it answered. */
  made = false;
  readonly #sets: number;
  readonly #entryWords: number;
  readonly #firstEntry: number;

  constructor(memory: SharedArrayBuffer, valueWords: number) {
    this.words = new Int32Array(memory, 0, memory.byteLength >>> 2);
    this.valueWords = valueWords;
    this.#entryWords = OWN_WORDS + valueWords;
    this.#sets = (this.words.length - HEADER_WORDS) / (1 + WAYS * this.#entryWords);
    if (this.words[HEADER.entryWords] !== this.#entryWords || !Number.isInteger(this.#sets)) {
      throw new RangeError('this memory was not made for this kind of table');
    }
    this.#firstEntry = HEADER_WORDS + this.#sets;
  }

  get slots(): number {
    return this.#sets * WAYS;
  }

  /** Slots that hold an entry, expired ones that nothing has replaced yet included. */
  get used(): number {
    return Atomics.load(this.words, HEADER.used);
  }

  /** Entries that were still of use when another took their slot, since the table was made. */
  get evictions(): number {
    return Atomics.load(this.words, HEADER.evictions);
  }

  /** Entries that could not be made because a lock was held too long. */
  get lost(): number {
    return Atomics.load(this.words, HEADER.lost);
  }

  #set(key: Key): number {
    return ((key.lo ^ Math.imul(key.hi, 0x85ebca6b)) >>> 0) % this.#sets;
  }

  #isLive(entry: number, now: number): boolean {
    const left = (Atomics.load(this.words, entry + WORD.expires) - now) | 0;
    const ahead = (Atomics.load(this.words, entry + WORD.touched) - now) | 0;
    return left > 0 && ahead <= CLOCK_STEP_TICKS;
  }

  /** Is the entry still that of the key? Asked after a value was read and before it is changed. */
  holds(entry: number, key: Key): boolean {
    return (
      Atomics.load(this.words, entry + WORD.tag) === tagOf(key) &&
      Atomics.load(this.words, entry + WORD.key) === (key.hi | 0)
    );
  }

  #findIn(set: number, key: Key): number {
    let entry = this.#firstEntry + set * WAYS * this.#entryWords;
    for (let way = 0; way < WAYS; way++, entry += this.#entryWords) if (this.holds(entry, key)) return entry;
    return -1;
  }

  /** The key's entry, or -1. One that expired, or that a stepped clock left behind, does not count. */
  find(key: Key, nowMs: number): number {
    const entry = this.#findIn(this.#set(key), key);
    return entry !== -1 && this.#isLive(entry, tickOf(nowMs)) ? entry : -1;
  }

  /** Where the value `index` of an entry lies in `words`. */
  at(entry: number, index: number): number {
    return entry + OWN_WORDS + index;
  }

  /**
   * The key's entry, made when there is none: in a free or expired slot, else in that of the entry touched
   * longest ago. Each value of a new entry is `initial`. -1 when the set's lock could not be had.
   */
  claim(key: Key, nowMs: number, untilMs: number, initial: number): number {
    const set = this.#set(key);
    this.made = false;
    if (!this.#lock(set, nowMs)) {
      Atomics.add(this.words, HEADER.lost, 1);
      return -1;
    }
    const now = tickOf(nowMs);
    const own = this.#findIn(set, key);
    if (own !== -1 && this.#isLive(own, now)) {
      this.#unlock(set);
      return own;
    }
    const entry = own === -1 ? this.#vacate(set, now) : own;
    const { words } = this;
    Atomics.store(words, entry + WORD.tag, 0);
    for (let at = entry + OWN_WORDS; at < entry + this.#entryWords; at++) Atomics.store(words, at, initial);
    Atomics.store(words, entry + WORD.key, key.hi | 0);
    Atomics.store(words, entry + WORD.touched, now);
    Atomics.store(words, entry + WORD.expires, this.#expiry(nowMs, untilMs));
    Atomics.store(words, entry + WORD.tag, tagOf(key));
    this.#unlock(set);
    this.made = true;
    return entry;
  }

  /** A slot of a locked set for a new entry. */
  #vacate(set: number, now: number): number {
    const { words } = this;
    let oldest = -1;
    let entry = this.#firstEntry + set * WAYS * this.#entryWords;
    for (let way = 0; way < WAYS; way++, entry += this.#entryWords) {
      if (words[entry + WORD.tag] === 0) {
        Atomics.add(words, HEADER.used, 1);
        return entry;
      }
      if (!this.#isLive(entry, now)) return entry;
      const age = (now - words[entry + WORD.touched]!) | 0;
      if (oldest === -1 || age > ((now - words[oldest + WORD.touched]!) | 0)) oldest = entry;
    }
    Atomics.add(words, HEADER.evictions, 1);
    return oldest;
  }

  /** Notes that the entry was of use now, and keeps it until then at least. Called before its values change. */
  touch(entry: number, nowMs: number, untilMs: number): void {
    const { words } = this;
    const now = tickOf(nowMs);
    if (((now - Atomics.load(words, entry + WORD.touched)) | 0) > 0) {
      Atomics.store(words, entry + WORD.touched, now);
    }
    const expires = this.#expiry(nowMs, untilMs);
    for (;;) {
      const known = Atomics.load(words, entry + WORD.expires);
      if (((expires - known) | 0) <= 0) return;
      if (Atomics.compareExchange(words, entry + WORD.expires, known, expires) === known) return;
    }
  }

  #expiry(nowMs: number, untilMs: number): number {
    const ticks = Math.ceil(untilMs / TICK_MS) - Math.floor(nowMs / TICK_MS);
    return (tickOf(nowMs) + Math.min(ticks, MAX_TICKS)) | 0;
  }

  #lock(set: number, nowMs: number): boolean {
    const at = HEADER_WORDS + set;
    const stamp = Math.trunc(nowMs % 0x3fffffff) + 1;
    for (let tries = 0; tries < SPINS + SLEEPS; tries++) {
      const holder = Atomics.compareExchange(this.words, at, 0, stamp);
      if (holder === 0) return true;
      if (Math.abs(stamp - holder) > ABANDONED_MS) {
        if (Atomics.compareExchange(this.words, at, holder, stamp) === holder) return true;
      }
      if (tries >= SPINS) Atomics.wait(this.words, at, holder, 1);
    }
    return false;
  }

  #unlock(set: number): void {
    Atomics.store(this.words, HEADER_WORDS + set, 0);
  }

  /** The entries of use among the slots from `first` on, `count` of them at most. */
  *entries(nowMs: number, first: number, count: number): Generator<SavedEntry> {
    const { words } = this;
    const now = tickOf(nowMs);
    const last = Math.min(first + count, this.slots);
    for (let slot = first; slot < last; slot++) {
      const entry = this.#firstEntry + slot * this.#entryWords;
      const tag = Atomics.load(words, entry + WORD.tag);
      if (tag === 0 || !this.#isLive(entry, now)) continue;
      const hi = Atomics.load(words, entry + WORD.key) >>> 0;
      const lo = (tag ^ Math.imul(hi, 0x9e3779b1)) >>> 0;
      const ageMs = ((now - Atomics.load(words, entry + WORD.touched)) | 0) * TICK_MS;
      const leftMs = ((Atomics.load(words, entry + WORD.expires) - now) | 0) * TICK_MS;
      const values = words.slice(entry + OWN_WORDS, entry + this.#entryWords);
      if (Atomics.load(words, entry + WORD.tag) === tag) yield { key: { hi, lo }, ageMs, leftMs, values };
    }
  }

  /** Puts an entry back, unless the key has one by now; false when there was no room without an eviction. */
  restore({ key, ageMs, leftMs, values }: SavedEntry, nowMs: number): boolean {
    const { words, evictions } = this;
    const entry = this.claim(key, nowMs, nowMs + leftMs, 0);
    if (entry === -1) return false;
    if (this.made) {
      Atomics.store(words, entry + WORD.touched, tickOf(nowMs - Math.max(0, ageMs)));
      for (const [index, value] of values.entries()) Atomics.store(words, this.at(entry, index), value);
    }
    return this.evictions === evictions;
  }
}
