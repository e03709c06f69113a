/** Answers to questions that take time: yes or no, and until when that is fresh. */
import type { Key } from './key.ts';
import { createTable, SharedTable } from './shared-table.ts';

/** What is known of a question. */
export interface Known {
  readonly isYes: boolean;
  /** It is time to ask again. */
  readonly isStale: boolean;
}

/** The value of an entry: is it an answer, is it yes, and the second until which it is fresh, modulo 2^29. */
const ANSWERED = 1;
const YES = 2;
const SECONDS_SHIFT = 2;
const SECONDS_MASK = 0x1fff_ffff;
const SECOND_MS = 1_000;

export class AnswerTable {
  readonly table: SharedTable;

  /** @param memory From `allocate`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.table = new SharedTable(memory, 1);
  }

  static allocate(slots: number): SharedArrayBuffer {
    return createTable(slots, 1);
  }

  /** Keeps an answer that is fresh until `freshUntilMs` and, at least, of use until `untilMs`. */
  set(key: Key, isYes: boolean, freshUntilMs: number, untilMs: number, nowMs: number): void {
    const { table } = this;
    const entry = table.claim(key, nowMs, untilMs, 0);
    if (entry === -1) return;
    table.touch(entry, nowMs, untilMs);
    const fresh = Math.floor(freshUntilMs / SECOND_MS) & SECONDS_MASK;
    Atomics.store(table.words, table.at(entry, 0), (fresh << SECONDS_SHIFT) | (isYes ? YES : 0) | ANSWERED);
  }

  /** Null: nothing is known. */
  get(key: Key, nowMs: number): Known | null {
    const { table } = this;
    const entry = table.find(key, nowMs);
    if (entry === -1) return null;
    const value = Atomics.load(table.words, table.at(entry, 0));
    if (!table.holds(entry, key) || (value & ANSWERED) === 0) return null;
    const fresh = (value >>> SECONDS_SHIFT) & SECONDS_MASK;
    const left = (fresh - Math.floor(nowMs / SECOND_MS)) & SECONDS_MASK;
    return { isYes: (value & YES) !== 0, isStale: left > SECONDS_MASK >> 1 };
  }
}
