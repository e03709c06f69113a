/** How often things happen, per key, over a sliding window. */
import type { Key } from './key.ts';
import { CELL, SharedTable, WORD } from './shared-table.ts';

const MAX_COUNT = 0xffffffff;

/**
 * Keeps two counts for each key: events in the fixed window of the last event and in the one before.
 * The estimate takes of the earlier window the share that a window ending now still covers. An event
 * that meets a lock held too long is lost.
 */
export class RateTable {
  readonly #table: SharedTable;

  /** @param memory From `createTable`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.#table = new SharedTable(memory);
  }

  /** Entries lost to others before their time. */
  get evictions(): number {
    return this.#table.evictions;
  }

  /** Counts one event. */
  hit(key: Key, windowMs: number, nowMs: number): void {
    const table = this.#table;
    if (!table.lock(key, nowMs)) return;
    let slot = table.find(nowMs);
    if (slot === -1) slot = table.claim(nowMs);
    // why: workers read the clock at slightly different times; an earlier one must not turn it back.
    const now = Math.max(nowMs, table.cells[slot * 4 + CELL.touched]!);
    const previous = this.#countBefore(slot, windowMs, now);
    const current = this.#countNow(slot, windowMs, now);
    table.words[slot * 8 + WORD.first] = Math.min(current + 1, MAX_COUNT);
    table.words[slot * 8 + WORD.second] = previous;
    table.cells[slot * 4 + CELL.touched] = now;
    table.cells[slot * 4 + CELL.expires] = (Math.floor(now / windowMs) + 2) * windowMs;
    table.unlock();
  }

  /** Events per second over the last `windowMs`, times 1,000,000, rounded down. */
  rate(key: Key, windowMs: number, nowMs: number): number {
    const table = this.#table;
    if (!table.lock(key, nowMs)) return 0;
    const slot = table.find(nowMs);
    let events = 0;
    if (slot !== -1) {
      const now = Math.max(nowMs, table.cells[slot * 4 + CELL.touched]!);
      const share = 1 - (now % windowMs) / windowMs;
      events = this.#countBefore(slot, windowMs, now) * share + this.#countNow(slot, windowMs, now);
    }
    table.unlock();
    return Math.floor((events * 1e9) / windowMs);
  }

  /** Events in the fixed window of `now`. */
  #countNow(slot: number, windowMs: number, now: number): number {
    return this.#age(slot, windowMs, now) === 0 ? this.#table.words[slot * 8 + WORD.first]! : 0;
  }

  /** Events in the fixed window before that of `now`. */
  #countBefore(slot: number, windowMs: number, now: number): number {
    const age = this.#age(slot, windowMs, now);
    if (age > 1) return 0;
    return this.#table.words[slot * 8 + (age === 0 ? WORD.second : WORD.first)]!;
  }

  /** Whole windows between the last event and `now`. */
  #age(slot: number, windowMs: number, now: number): number {
    return Math.floor(now / windowMs) - Math.floor(this.#table.cells[slot * 4 + CELL.touched]! / windowMs);
  }
}
