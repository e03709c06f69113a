/** Keys that hold something until a certain time: cleared clients, spent tokens. */
import type { Key } from './key.ts';
import { createTable, SharedTable } from './shared-table.ts';

/** Times are kept in hundredths of a second, rounded up; no mark lasts longer than 248 days. */
export class ClearanceTable {
  readonly table: SharedTable;

  /** @param memory From `allocate`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.table = new SharedTable(memory, 0);
  }

  static allocate(slots: number): SharedArrayBuffer {
    return createTable(slots, 0);
  }

  /** Marks a key until `untilMs`; a mark that lasts longer stays. */
  clear(key: Key, untilMs: number, nowMs: number): void {
    const { table } = this;
    const entry = table.find(key, nowMs);
    if (entry === -1) table.claim(key, nowMs, untilMs, 0);
    else table.touch(entry, nowMs, untilMs);
  }

  /**
   * Marks a key and tells whether it was free: of several callers at once exactly one gets true.
   * False also when no entry could be made.
   */
  claim(key: Key, untilMs: number, nowMs: number): boolean {
    const { table } = this;
    if (table.find(key, nowMs) !== -1) return false;
    return table.claim(key, nowMs, untilMs, 0) !== -1 && table.made;
  }

  isCleared(key: Key, nowMs: number): boolean {
    return this.table.find(key, nowMs) !== -1;
  }
}
