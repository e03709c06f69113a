/**
 * Inline against pool: what a batch of hellos costs on the calling thread and over threads, by the batch's size,
 * one batch at a time and several at once; and how long the calling thread is busy with each hello.
 */
import { availableParallelism, loadavg } from 'node:os';
import { type BatchPool, openBatchPool } from '../src/batch/batch-pool.ts';
import { captureHello } from '../test/support/hello.ts';
import { compileBenchPolicy } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

const SIZES = [1, 8, 32, 128] as const;
const ROUNDS = 15;

interface Cost {
  /** Microseconds from the call to the answer, for each hello of the batch. */
  readonly wallUs: number;
  /** Microseconds of those in which the calling thread's event loop could do nothing else. */
  readonly busyUs: number;
}

const WORST: Cost = { wallUs: Number.POSITIVE_INFINITY, busyUs: Number.POSITIVE_INFINITY };

/** Batches until time is out, `inFlight` at once. */
async function spend(
  pool: BatchPool,
  batch: readonly Uint8Array[],
  inFlight: number,
  ms: number,
): Promise<Cost> {
  let batches = 0;
  const idle = performance.eventLoopUtilization();
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (performance.now() - start < ms) {
      await pool.analyzeBatch(batch);
      batches++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const wall = performance.now() - start;
  const { utilization } = performance.eventLoopUtilization(idle);
  const perHello = (wall * 1_000) / (batches * batch.length);
  return { wallUs: perHello, busyUs: perHello * utilization };
}

/** The best of rounds in which the ways take turns: what else runs on the machine only ever adds to a cost. */
async function compare(
  ways: Readonly<Record<'inline' | 'pool', BatchPool>>,
  batch: readonly Uint8Array[],
  inFlight: number,
  ms: number,
): Promise<Record<'inline' | 'pool', Cost>> {
  const best = { inline: WORST, pool: WORST };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['inline', 'pool'] as const) {
      const { wallUs, busyUs } = await spend(ways[name], batch, inFlight, ms);
      best[name] = {
        wallUs: Math.min(best[name].wallUs, wallUs),
        busyUs: Math.min(best[name].busyUs, busyUs),
      };
    }
  }
  return best;
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const bundle = await compileBenchPolicy();
  const hello = await captureHello({ ecdhCurve: 'X25519MLKEM768:X25519' });
  const threads = options.threads!;
  await using inline = openBatchPool({ bundle, threads: 0 });
  await using pool = openBatchPool({ bundle, threads });
  const ways = { inline, pool };
  const rows: Record<string, string | number>[] = [];
  for (const inFlight of [1, 8]) {
    for (const size of SIZES) {
      const batch = Array.from({ length: size }, () => hello);
      const costs = await compare(ways, batch, inFlight, options.milliseconds!);
      const { inline: one, pool: many } = costs;
      rows.push({
        hellos: size,
        'batches at once': inFlight,
        'inline µs/hello': round(one.wallUs),
        'pool µs/hello': round(many.wallUs),
        'inline loop busy µs/hello': round(one.busyUs),
        'pool loop busy µs/hello': round(many.busyUs),
        faster: one.wallUs <= many.wallUs ? 'inline' : 'pool',
        'keeps the loop freer': one.busyUs <= many.busyUs ? 'inline' : 'pool',
      });
    }
  }
  console.table(rows);
  return { passed: true, result: { threads, helloBytes: hello.length, loadAverage: loadavg()[0], rows } };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

export const bench: Bench = {
  summary: 'Hellos in batches: on the calling thread against over threads, by the size of the batch.',
  defaults: { milliseconds: 60, threads: availableParallelism() },
  run,
};
