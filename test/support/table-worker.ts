/** A thread that works on a shared table as fast as it can, once the gate opens. */
import { parentPort, workerData } from 'node:worker_threads';
import { BucketTable } from '../../src/limit/bucket-table.ts';
import { ClearanceTable } from '../../src/limit/clearance-table.ts';
import { RateTable } from '../../src/limit/rate-table.ts';

const { job, memory, gate, times, now } = workerData as {
  job: 'hit' | 'take' | 'claim';
  memory: SharedArrayBuffer;
  gate: Int32Array;
  times: number;
  now: number;
};

Atomics.wait(gate, 0, 0);
let granted = 0;
if (job === 'hit') {
  const table = new RateTable(memory);
  for (let i = 0; i < times; i++) table.hit({ hi: 0, lo: 1 + (i & 3) }, 1000, now);
} else if (job === 'take') {
  const table = new BucketTable(memory);
  for (let i = 0; i < times; i++) if (table.take({ hi: 0, lo: 1 }, 1, 1000, 1000, now)) granted++;
} else {
  const table = new ClearanceTable(memory);
  for (let lo = 1; lo <= times; lo++) if (table.claim({ hi: 9, lo }, now + 1000, now)) granted++;
}
parentPort!.postMessage(granted);
