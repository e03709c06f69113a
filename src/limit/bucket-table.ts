/** Token buckets, per key. */
import type { Key } from './key.ts';
import { CELL, SharedTable } from './shared-table.ts';

/** Absorbs the rounding of levels that are sums of fractions. */
const EPSILON = 1e-9;

/**
 * The generic cell rate algorithm in its continuous-state form (ITU-T I.371): the value of an entry is
 * the bucket's level, in tokens drawn and not yet added again. An empty level needs no entry.
 */
export class BucketTable {
  readonly #table: SharedTable;

  /** @param memory From `createTable`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.#table = new SharedTable(memory);
  }

  /** Entries lost to others before their time. */
  get evictions(): number {
    return this.#table.evictions;
  }

  /**
   * Draws one token from a bucket that gets `tokens` every `perMs`, up to `burst`. False when there
   * is none. A draw that meets a lock held too long is granted and not counted.
   */
  take(key: Key, tokens: number, perMs: number, burst: number, nowMs: number): boolean {
    const table = this.#table;
    if (!table.lock(key, nowMs)) return true;
    let slot = table.find(nowMs);
    if (slot === -1) slot = table.claim(nowMs);
    const now = Math.max(nowMs, table.cells[slot * 4 + CELL.touched]!);
    const added = ((now - table.cells[slot * 4 + CELL.touched]!) * tokens) / perMs;
    let level = Math.max(0, table.cells[slot * 4 + CELL.value]! - added);
    const granted = level + 1 <= burst + EPSILON;
    if (granted) level += 1;
    table.cells[slot * 4 + CELL.value] = level;
    table.cells[slot * 4 + CELL.touched] = now;
    table.cells[slot * 4 + CELL.expires] = now + (level * perMs) / tokens;
    table.unlock();
    return granted;
  }
}
