/** The memory behind rates, limits and clearances, which outlives every thread that uses it. */
import { randomBytes } from 'node:crypto';
import { createGoodSample, GoodSample } from '../intel/good-sample.ts';
import { BucketTable } from '../limit/bucket-table.ts';
import { ClearanceTable } from '../limit/clearance-table.ts';
import { KeyHasher } from '../limit/key.ts';
import { RateTable } from '../limit/rate-table.ts';
import { createTable } from '../limit/shared-table.ts';
import type { Tables } from './history.ts';

export interface SharedTables {
  readonly rates: SharedArrayBuffer;
  readonly buckets: SharedArrayBuffer;
  readonly clearances: SharedArrayBuffer;
  /** Clients lately served without trouble: `GoodSample`. */
  readonly good: SharedArrayBuffer;
  /** 16 random bytes that key the tables' hash. */
  readonly seed: Uint8Array;
}

/** Slots of each table; the oldest entry of a full set makes room. */
export interface TableSlots {
  readonly rateSlots: number;
  readonly bucketSlots: number;
  readonly clearanceSlots: number;
}

export function createSharedTables({ rateSlots, bucketSlots, clearanceSlots }: TableSlots): SharedTables {
  return {
    rates: createTable(rateSlots),
    buckets: createTable(bucketSlots),
    clearances: createTable(clearanceSlots),
    good: createGoodSample(),
    seed: randomBytes(16),
  };
}

/** One thread's view of them. */
export function openTables(shared: SharedTables): Tables {
  return {
    rates: new RateTable(shared.rates),
    buckets: new BucketTable(shared.buckets),
    clearances: new ClearanceTable(shared.clearances),
    good: new GoodSample(shared.good),
    hasher: new KeyHasher(shared.seed),
  };
}
