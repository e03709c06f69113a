/** How often things happen, per key, over a sliding window. */
import type { Key } from './key.ts';
import { createTable, SharedTable } from './shared-table.ts';
import { addToWindow, COUNT_WORDS, countSliding } from './window-count.ts';

/** Every event is counted, whatever other threads do, but for those of an entry that is being evicted. */
export class RateTable {
  readonly table: SharedTable;

  /** @param memory From `allocate`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.table = new SharedTable(memory, COUNT_WORDS);
  }

  static allocate(slots: number): SharedArrayBuffer {
    return createTable(slots, COUNT_WORDS);
  }

  /** Counts one event. */
  hit(key: Key, windowMs: number, nowMs: number): void {
    const { table } = this;
    const window = Math.floor(nowMs / windowMs);
    const untilMs = (window + 2) * windowMs;
    for (;;) {
      let entry = table.find(key, nowMs);
      if (entry === -1) entry = table.claim(key, nowMs, untilMs, 0);
      if (entry === -1) return;
      table.touch(entry, nowMs, untilMs);
      if (addToWindow(table, entry, key, 0, window, 1)) return;
    }
  }

  /** Events per second over the last `windowMs`, times 1,000,000, rounded down. */
  rate(key: Key, windowMs: number, nowMs: number): number {
    const entry = this.table.find(key, nowMs);
    if (entry === -1) return 0;
    return Math.floor((countSliding(this.table, entry, 0, windowMs, nowMs) * 1e9) / windowMs);
  }
}
