/**
 * A count over a sliding window, in two words of a shared table: one for the fixed window that is running
 * and one for that before it. Each word names its window in its upper six bits, so that both roll over in
 * one compare-and-exchange, and counts in the others, up to 67,108,863.
 */
import type { Key } from './key.ts';
import type { SharedTable } from './shared-table.ts';

/** Words that a count takes. */
export const COUNT_WORDS = 2;

const COUNT_BITS = 26;
const MAX_COUNT = 2 ** COUNT_BITS - 1;
const EPOCHS = 2 ** (32 - COUNT_BITS);

/** The fixed window's name within its word; windows alternate between the two words. */
function epochOf(window: number): number {
  return Math.floor(window / 2) % EPOCHS;
}

/**
 * Adds to the count that begins at the value `index` of the key's entry.
 * @param window Number of the fixed window: the time divided by its length, rounded down.
 * @returns false when the entry has become another key's, and nothing was added.
 */
export function addToWindow(
  table: SharedTable,
  entry: number,
  key: Key,
  index: number,
  window: number,
  amount: number,
): boolean {
  const { words } = table;
  const at = table.at(entry, index) + (window % 2);
  const epoch = epochOf(window);
  for (;;) {
    const word = Atomics.load(words, at);
    if (!table.holds(entry, key)) return false;
    const known = word & MAX_COUNT;
    const ahead = known === 0 ? 0 : (epoch - (word >>> COUNT_BITS) + EPOCHS) % EPOCHS;
    // why: the clock of this thread may be behind; the word's window, two later, takes the event too.
    const isBehind = ahead > EPOCHS / 2;
    const count = ahead === 0 || isBehind ? known : 0;
    const name = isBehind ? word >>> COUNT_BITS : epoch;
    const next = (name << COUNT_BITS) | Math.min(count + amount, MAX_COUNT);
    if (Atomics.compareExchange(words, at, word, next) === word) return true;
  }
}

/** What was counted in one fixed window, by its number. */
function countInWindow(table: SharedTable, entry: number, index: number, window: number): number {
  const word = Atomics.load(table.words, table.at(entry, index) + (window % 2));
  return word >>> COUNT_BITS === epochOf(window) ? word & MAX_COUNT : 0;
}

/**
 * The events of the last `windowMs`: those of the running window, and of the one before the share that a
 * window ending now still covers.
 */
export function countSliding(
  table: SharedTable,
  entry: number,
  index: number,
  windowMs: number,
  nowMs: number,
): number {
  const window = Math.floor(nowMs / windowMs);
  const share = 1 - (nowMs % windowMs) / windowMs;
  return countInWindow(table, entry, index, window - 1) * share + countInWindow(table, entry, index, window);
}
