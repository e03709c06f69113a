import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BucketTable } from '../../src/limit/bucket-table.ts';
import { RateTable } from '../../src/limit/rate-table.ts';
import { createTable, SharedTable } from '../../src/limit/shared-table.ts';

const SCRIPT = new URL('../support/table-worker.ts', import.meta.url);
const NOW = 1_800_000_000_000;

type Job = 'hit' | 'take' | 'claim';

/** Runs one job in four threads on one table; what each of them was granted. */
async function run(job: Job, memory: SharedArrayBuffer, times: number): Promise<number[]> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from(
    { length: 4 },
    () => new Worker(SCRIPT, { workerData: { job, memory, gate, times, now: NOW } }),
  );
  const results = workers.map(
    (worker) =>
      new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      }),
  );
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))));
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  return Promise.all(results);
}

test('hits of four threads on the same keys are all counted but for a few', async () => {
  const memory = createTable(64);
  await run('hit', memory, 20_000);
  const table = new RateTable(memory);
  let events = 0;
  for (let lo = 1; lo <= 4; lo++) events += table.rate({ hi: 0, lo }, 1000, NOW) / 1e6;
  assert.ok(events <= 80_000, `${events} are more than were sent`);
  assert.ok(events >= 80_000 * 0.99, `${events} of 80000 were counted`);
});

test('four threads that draw on one bucket get its burst', async () => {
  const memory = createTable(64);
  const granted = await run('take', memory, 5_000);
  const total = granted.reduce((sum, count) => sum + count, 0);
  assert.ok(total >= 1000 && total <= 1010, `${total} tokens of a burst of 1000`);
  assert.equal(new BucketTable(memory).take({ hi: 0, lo: 1 }, 1, 1000, 1000, NOW), false);
});

test('of four threads that claim one key exactly one gets it', async () => {
  const granted = await run('claim', createTable(4096), 500);
  assert.equal(
    granted.reduce((sum, count) => sum + count, 0),
    500,
  );
});

test('a lock whose holder was terminated is taken over after a second', () => {
  const memory = createTable(64);
  const key = { hi: 3, lo: 4 };
  assert.ok(new SharedTable(memory).lock(key, NOW));
  const table = new RateTable(memory);
  table.hit(key, 60_000, NOW + 500);
  assert.equal(table.rate(key, 60_000, NOW + 1000), 0);
  table.hit(key, 60_000, NOW + 2000);
  assert.ok(table.rate(key, 60_000, NOW + 2000) > 0);
});
