/** What is remembered of a client, a network or a fingerprint: when it was first seen, and counts. */
import type { Key } from './key.ts';
import { createTable, SharedTable } from './shared-table.ts';
import { addToWindow, COUNT_WORDS, countSliding } from './window-count.ts';

/**
 * What is counted of each key. Every connection that is decided about is a handshake, a failure or a refusal.
 * `requests` and `kibibytes` are of HTTP and of all that went through TLS.
 */
export const HISTORY_COUNTS = [
  'handshakes',
  'failures',
  'refusals',
  'solved',
  'unsolved',
  'requests',
  'kibibytes',
] as const;
export type HistoryCount = (typeof HISTORY_COUNTS)[number];

/** An entry as it was read: counts are of the last window, rounded up, so that what happened in it is never 0. */
export type HistoryEntry = Record<HistoryCount, number> & {
  /** Milliseconds since the epoch, in whole seconds. */
  firstSeenMs: number;
  /** When a challenge was last solved; null: never. */
  solvedAtMs: number | null;
};

const INDEX = { firstSeen: 0, solvedAt: 1, counts: 2 } as const;
const VALUE_WORDS = INDEX.counts + HISTORY_COUNTS.length * COUNT_WORDS;
const INDEX_OF: Readonly<Record<HistoryCount, number>> = Object.fromEntries(
  HISTORY_COUNTS.map((name, place) => [name, INDEX.counts + place * COUNT_WORDS]),
) as Record<HistoryCount, number>;

export class HistoryTable {
  readonly table: SharedTable;
  readonly #windowMs: number;

  /**
   * @param memory From `allocate`, shared by all workers.
   * @param windowMs Length of the sliding window; a key that was silent for two of them is forgotten.
   */
  constructor(memory: SharedArrayBuffer, windowMs: number) {
    this.table = new SharedTable(memory, VALUE_WORDS);
    this.#windowMs = windowMs;
  }

  static allocate(slots: number): SharedArrayBuffer {
    return createTable(slots, VALUE_WORDS);
  }

  /** Counts `amount` events of a key, an integer of at least 1. */
  add(key: Key, count: HistoryCount, nowMs: number, amount = 1): void {
    const { table } = this;
    const window = Math.floor(nowMs / this.#windowMs);
    const untilMs = nowMs + 2 * this.#windowMs;
    for (;;) {
      let entry = table.find(key, nowMs);
      if (entry === -1) entry = table.claim(key, nowMs, untilMs, 0);
      if (entry === -1) return;
      table.touch(entry, nowMs, untilMs);
      const { words } = table;
      const seconds = Math.floor(nowMs / 1_000) | 0;
      Atomics.compareExchange(words, table.at(entry, INDEX.firstSeen), 0, seconds);
      if (count === 'solved') Atomics.store(words, table.at(entry, INDEX.solvedAt), seconds);
      if (addToWindow(table, entry, key, INDEX_OF[count], window, amount)) return;
    }
  }

  /** One count of the last window; 0 for a key that is not remembered. */
  count(key: Key, count: HistoryCount, nowMs: number): number {
    const entry = this.table.find(key, nowMs);
    return entry === -1 ? 0 : this.#countOf(entry, count, nowMs);
  }

  #countOf(entry: number, count: HistoryCount, nowMs: number): number {
    return Math.ceil(countSliding(this.table, entry, INDEX_OF[count], this.#windowMs, nowMs));
  }

  /** Everything that is remembered of a key; null when nothing is. */
  read(key: Key, nowMs: number): HistoryEntry | null {
    const entry = this.table.find(key, nowMs);
    if (entry === -1) return null;
    const counts = HISTORY_COUNTS.map((count) => [count, this.#countOf(entry, count, nowMs)]);
    const { words } = this.table;
    const solvedAt = Atomics.load(words, this.table.at(entry, INDEX.solvedAt)) >>> 0;
    return {
      ...(Object.fromEntries(counts) as Record<HistoryCount, number>),
      firstSeenMs: (Atomics.load(words, this.table.at(entry, INDEX.firstSeen)) >>> 0) * 1_000,
      solvedAtMs: solvedAt === 0 ? null : solvedAt * 1_000,
    };
  }
}
