import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { BucketTable } from '../../src/limit/bucket-table.ts';
import { ClearanceTable } from '../../src/limit/clearance-table.ts';
import { HistoryTable } from '../../src/limit/history-table.ts';
import { RateTable } from '../../src/limit/rate-table.ts';
import type { TableJob } from '../support/table-worker.ts';

const THREADS = 4;
const NOW = 1_800_000_000_000;

let workers: Worker[] = [];
before(async () => {
  const script = new URL('../support/table-worker.ts', import.meta.url);
  workers = Array.from({ length: THREADS }, () => new Worker(script, { workerData: 'tables' }));
  await Promise.all(workers.map((worker) => once(worker, 'online')));
});
after(() => Promise.all(workers.map((worker) => worker.terminate())));

/** Runs a job in four threads at once on one table, each with its own list of keys; what each was granted. */
async function run(
  kind: TableJob['kind'],
  memory: SharedArrayBuffer,
  keys: readonly (readonly number[])[],
): Promise<number[]> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const results = workers.map(async (worker, index) => {
    const [granted] = (await once(worker, 'message')) as [number];
    return { index, granted };
  });
  for (const [index, worker] of workers.entries()) {
    worker.postMessage({ kind, memory, keys: keys[index]!, nowMs: NOW, gate } satisfies TableJob);
  }
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  return (await Promise.all(results)).map(({ granted }) => granted);
}

/** The same list for each thread: `times` turns over the keys 1 to `count`. */
function turns(times: number, count: number): number[][] {
  const list = Array.from({ length: times }, (_, i) => 1 + (i % count));
  return Array.from({ length: THREADS }, () => list);
}

function countOf(keys: readonly (readonly number[])[], wanted: number): number {
  return keys.flat().filter((key) => key === wanted).length;
}

const KEYS = fc.array(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 400 }), {
  minLength: THREADS,
  maxLength: THREADS,
});

test('hits of four threads on the same keys are all counted', async () => {
  const memory = RateTable.allocate(64);
  await run('hit', memory, turns(20_000, 4));
  const table = new RateTable(memory);
  for (let lo = 1; lo <= 4; lo++) assert.equal(table.rate({ hi: 0, lo }, 1000, NOW), 20_000 * 1e6);
});

test('whatever four threads count, in whatever order, the counts are those of one list', async () => {
  await fc.assert(
    fc.asyncProperty(KEYS, async (keys) => {
      const memory = { hit: RateTable.allocate(64), remember: HistoryTable.allocate(64) };
      await run('hit', memory.hit, keys);
      await run('remember', memory.remember, keys);
      const rates = new RateTable(memory.hit);
      const history = new HistoryTable(memory.remember, 1000);
      for (let lo = 1; lo <= 12; lo++) {
        const expected = countOf(keys, lo);
        assert.equal(rates.rate({ hi: 0, lo }, 1000, NOW) / 1e6, expected);
        assert.equal(history.count({ hi: 0, lo }, 'handshakes', NOW), expected);
      }
      assert.equal(rates.table.lost + history.table.lost, 0);
    }),
    { numRuns: 30 },
  );
});

test('four threads that draw on one bucket get its burst and not one more', async () => {
  const memory = BucketTable.allocate(64);
  const granted = await run('take', memory, turns(5_000, 1));
  assert.equal(
    granted.reduce((sum, count) => sum + count, 0),
    1000,
  );
  assert.equal(new BucketTable(memory).take({ hi: 0, lo: 1 }, 1, 1000, 1000, NOW), false);
});

test('of four threads that claim one key exactly one gets it', async () => {
  const granted = await run('claim', ClearanceTable.allocate(4096), turns(500, 500));
  assert.equal(
    granted.reduce((sum, count) => sum + count, 0),
    500,
  );
});

test('threads that push each other’s entries out of a small table keep it whole', async () => {
  const memory = RateTable.allocate(64);
  const keys = Array.from({ length: THREADS }, (_, thread) =>
    Array.from({ length: 5_000 }, (_, i) => 1 + thread * 5_000 + i),
  );
  await run('hit', memory, keys);
  const rates = new RateTable(memory);
  const { table } = rates;
  assert.equal(table.used, 64);
  assert.ok(table.evictions + table.lost >= THREADS * 5_000 - 64, `${table.evictions} evictions`);
  const left = [...table.entries(NOW, 0, 64)];
  assert.equal(left.length, 64);
  for (const { key } of left) assert.ok(rates.rate(key, 1000, NOW) <= 1e6, 'a count of another key');
});
