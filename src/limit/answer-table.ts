/** Answers to questions that take time, in memory that all workers share: yes or no, and how long that is good. */
import type { Key } from './key.ts';
import { CELL, SharedTable, WORD } from './shared-table.ts';

/** What is known of a question. */
export interface Known {
  readonly isYes: boolean;
  /** It is time to ask again. */
  readonly isStale: boolean;
}

const YES = 1;
const SECOND_MS = 1_000;

export class AnswerTable {
  readonly #table: SharedTable;

  /** @param memory From `createTable`, shared by all workers. */
  constructor(memory: SharedArrayBuffer) {
    this.#table = new SharedTable(memory);
  }

  /** Answers lost to others before their time. */
  get evictions(): number {
    return this.#table.evictions;
  }

  /** Keeps an answer that is fresh until `freshUntilMs` and of use until `untilMs`. */
  set(key: Key, isYes: boolean, freshUntilMs: number, untilMs: number, nowMs: number): void {
    const table = this.#table;
    if (!table.lock(key, nowMs)) return;
    const slot = table.claim(nowMs);
    table.cells[slot * 4 + CELL.expires] = untilMs;
    table.words[slot * 8 + WORD.first] = isYes ? YES : 0;
    table.words[slot * 8 + WORD.second] = Math.floor(freshUntilMs / SECOND_MS);
    table.unlock();
  }

  /** Null: nothing is known. */
  get(key: Key, nowMs: number): Known | null {
    const table = this.#table;
    if (!table.lock(key, nowMs)) return null;
    const slot = table.find(nowMs);
    const known =
      slot === -1
        ? null
        : {
            isYes: table.words[slot * 8 + WORD.first] === YES,
            isStale: table.words[slot * 8 + WORD.second]! < Math.floor(nowMs / SECOND_MS),
          };
    table.unlock();
    return known;
  }
}
