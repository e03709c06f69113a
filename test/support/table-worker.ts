/** A thread that works on shared tables as fast as it can, a job at a time; it begins once the gate opens. */
import { parentPort, workerData } from 'node:worker_threads';
import { BucketTable } from '../../src/limit/bucket-table.ts';
import { ClearanceTable } from '../../src/limit/clearance-table.ts';
import { HistoryTable } from '../../src/limit/history-table.ts';
import { RateTable } from '../../src/limit/rate-table.ts';

/** `keys` are the low halves of the keys to work on, one after the other. */
export interface TableJob {
  readonly kind: 'hit' | 'take' | 'claim' | 'remember';
  readonly memory: SharedArrayBuffer;
  readonly keys: readonly number[];
  readonly nowMs: number;
  /** Opens when it is not 0. */
  readonly gate: Int32Array;
}

const WINDOW_MS = 1_000;
/** A bucket gets one token a second. */
const BURST = 1_000;

function work({ kind, memory, keys, nowMs }: TableJob): number {
  let granted = 0;
  if (kind === 'hit') {
    const table = new RateTable(memory);
    for (const lo of keys) table.hit({ hi: 0, lo }, WINDOW_MS, nowMs);
  } else if (kind === 'take') {
    const table = new BucketTable(memory);
    for (const lo of keys) if (table.take({ hi: 0, lo }, 1, 1_000, BURST, nowMs)) granted++;
  } else if (kind === 'claim') {
    const table = new ClearanceTable(memory);
    for (const lo of keys) if (table.claim({ hi: 9, lo }, nowMs + 1_000, nowMs)) granted++;
  } else {
    const table = new HistoryTable(memory, WINDOW_MS);
    for (const lo of keys) table.add({ hi: 0, lo }, 'handshakes', nowMs);
  }
  return granted;
}

if (workerData === 'tables') {
  parentPort!.on('message', (job: TableJob) => {
    Atomics.wait(job.gate, 0, 0);
    parentPort!.postMessage(work(job));
  });
}
