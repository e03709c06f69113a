/** Keys that hold something until a certain time: cleared clients, spent tokens. */
import type { Key } from './key.ts';
import { CELL, SharedTable } from './shared-table.ts';

export class ClearanceTable {
  readonly #table: SharedTable;

  /** @param memory From `createTable`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.#table = new SharedTable(memory);
  }

  /** Entries lost to others before their time. */
  get evictions(): number {
    return this.#table.evictions;
  }

  /** Marks a key until `untilMs`; a mark that lasts longer stays. */
  clear(key: Key, untilMs: number, nowMs: number): void {
    this.claim(key, untilMs, nowMs);
  }

  /**
   * Marks a key and tells whether it was free: of several callers at once exactly one gets true.
   * False also when the table could not be locked.
   */
  claim(key: Key, untilMs: number, nowMs: number): boolean {
    const table = this.#table;
    if (!table.lock(key, nowMs)) return false;
    let slot = table.find(nowMs);
    const free = slot === -1;
    if (free) slot = table.claim(nowMs);
    if (untilMs > table.cells[slot * 4 + CELL.expires]!) table.cells[slot * 4 + CELL.expires] = untilMs;
    table.unlock();
    return free;
  }

  isCleared(key: Key, nowMs: number): boolean {
    const table = this.#table;
    if (!table.lock(key, nowMs)) return false;
    const cleared = table.find(nowMs) !== -1;
    table.unlock();
    return cleared;
  }
}
