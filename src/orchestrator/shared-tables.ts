/** The memory behind rates, limits, clearances and history, which outlives every thread that uses it. */
import { randomBytes } from 'node:crypto';
import { createGoodSample, GoodSample } from '../intel/good-sample.ts';
import { AnswerTable } from '../limit/answer-table.ts';
import { BucketTable } from '../limit/bucket-table.ts';
import { ClearanceTable } from '../limit/clearance-table.ts';
import { HistoryTable } from '../limit/history-table.ts';
import { KeyHasher } from '../limit/key.ts';
import { RateTable } from '../limit/rate-table.ts';
import type { SharedTable } from '../limit/shared-table.ts';

/** One thread's view of the tables. */
export interface Tables {
  readonly rates: RateTable;
  readonly buckets: BucketTable;
  readonly clearances: ClearanceTable;
  readonly clients: HistoryTable;
  /** What DNS said of clients. */
  readonly answers: AnswerTable;
  readonly good: GoodSample;
  readonly hasher: KeyHasher;
}

export const TABLE_NAMES = ['rates', 'buckets', 'clearances', 'clients', 'answers'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

export type SharedTables = Readonly<Record<TableName, SharedArrayBuffer>> & {
  /** Clients lately served without trouble: `GoodSample`. */
  readonly good: SharedArrayBuffer;
  /** 16 random bytes that key the tables' hash; saved with the entries, which are worth nothing without it. */
  readonly seed: Uint8Array;
  /** Window of the clients' counts. */
  readonly historyWindowMs: number;
};

/** Slots of each table; the oldest entry of a full set makes room. */
export interface TableSlots {
  readonly rateSlots: number;
  readonly bucketSlots: number;
  readonly clearanceSlots: number;
  readonly historySlots: number;
  readonly answerSlots: number;
}

const DAY_MS = 86_400_000;

/** @param seed of tables whose entries will be restored; else a new one. */
export function createSharedTables(
  { rateSlots, bucketSlots, clearanceSlots, historySlots, answerSlots }: TableSlots,
  historyWindowMs: number = DAY_MS,
  seed: Uint8Array = randomBytes(16),
): SharedTables {
  return {
    rates: RateTable.allocate(rateSlots),
    buckets: BucketTable.allocate(bucketSlots),
    clearances: ClearanceTable.allocate(clearanceSlots),
    clients: HistoryTable.allocate(historySlots),
    answers: AnswerTable.allocate(answerSlots),
    good: createGoodSample(),
    seed,
    historyWindowMs,
  };
}

export function openTables(shared: SharedTables): Tables {
  return {
    rates: new RateTable(shared.rates),
    buckets: new BucketTable(shared.buckets),
    clearances: new ClearanceTable(shared.clearances),
    clients: new HistoryTable(shared.clients, shared.historyWindowMs),
    answers: new AnswerTable(shared.answers),
    good: new GoodSample(shared.good),
    hasher: new KeyHasher(shared.seed),
  };
}

/** Tables for decisions about one client at a time, each forgotten by the next. */
export function memoryOfOne(): Tables {
  const slots = { rateSlots: 1, bucketSlots: 1, clearanceSlots: 1, historySlots: 1, answerSlots: 1 };
  return openTables(createSharedTables(slots, DAY_MS, new Uint8Array(16)));
}

/** How full each table is, for the metrics. */
export interface TableState {
  readonly table: TableName;
  readonly slots: number;
  readonly used: number;
  readonly evictions: number;
  readonly lost: number;
}

export function tableStates(tables: Tables): readonly TableState[] {
  return TABLE_NAMES.map((name) => {
    const { slots, used, evictions, lost }: SharedTable = tables[name].table;
    return { table: name, slots, used, evictions, lost };
  });
}
