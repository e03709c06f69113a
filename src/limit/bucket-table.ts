/** Token buckets, per key. */
import type { Key } from './key.ts';
import { createTable, SharedTable } from './shared-table.ts';

/** A bucket's depth in its own units of time, which leaves room for differences in a 32-bit word. */
const MAX_DEPTH = 2 ** 30;

/**
 * The generic cell rate algorithm (ITU-T I.371, virtual scheduling): the one value of an entry is the time at
 * which its bucket will be full again. Time runs in units in which a bucket of `tokens` every `perMs` gets
 * `tokens` units a millisecond and a token costs `perMs` of them: integers, so nothing is rounded. The units
 * are coarser, by less than a thousand millionth of the bucket, where a deep and slow one would not fit.
 */
export class BucketTable {
  readonly table: SharedTable;

  /** @param memory From `allocate`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.table = new SharedTable(memory, 1);
  }

  static allocate(slots: number): SharedArrayBuffer {
    return createTable(slots, 1);
  }

  /**
   * Draws one token from a bucket that gets `tokens` every `perMs`, up to `burst`. False when there is none.
   * Of several threads at once exactly as many get one as there are. A draw for which no entry could be made,
   * its lock being held too long, is granted and counted as lost.
   */
  take(key: Key, tokens: number, perMs: number, burst: number, nowMs: number): boolean {
    return this.#draw(key, tokens, perMs, burst, nowMs, true);
  }

  /** Would `take` get a token now? Draws none. */
  has(key: Key, tokens: number, perMs: number, burst: number, nowMs: number): boolean {
    return this.#draw(key, tokens, perMs, burst, nowMs, false);
  }

  #draw(key: Key, tokens: number, perMs: number, burst: number, nowMs: number, takes: boolean): boolean {
    const { table } = this;
    const quantum = Math.max(1, Math.ceil((perMs * burst) / MAX_DEPTH));
    const cost = perMs / quantum;
    const now = Math.imul(Math.floor(nowMs / quantum), tokens);
    for (;;) {
      let entry = table.find(key, nowMs);
      if (entry === -1) {
        if (!takes) return true;
        entry = table.claim(key, nowMs, nowMs + perMs / tokens, now);
      }
      if (entry === -1) return true;
      const full = Atomics.load(table.words, table.at(entry, 0));
      if (!table.holds(entry, key)) continue;
      const level = Math.max(0, (full - now) | 0) + cost;
      if (Math.floor(level) > Math.floor(cost * burst)) return false;
      if (!takes) return true;
      table.touch(entry, nowMs, nowMs + (level * quantum) / tokens);
      const next = (now + Math.ceil(level)) | 0;
      if (Atomics.compareExchange(table.words, table.at(entry, 0), full, next) === full) return true;
    }
  }
}
