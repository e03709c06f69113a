/** The shared tables under many clients: a million addresses through the counters, and what one event costs. */
import { Worker } from 'node:worker_threads';
import { HISTORY_COUNTS, HistoryTable } from '../src/limit/history-table.ts';
import { KeyHasher } from '../src/limit/key.ts';
import { RateTable } from '../src/limit/rate-table.ts';
import type { Bench, BenchOptions } from './main.ts';

const DAY_MS = 86_400_000;
const NOW = 1_800_000_000_000;
/** Of each address: two into its history, one into a counter. */
const EVENTS = 3;

export interface HistoryJob {
  readonly clients: SharedArrayBuffer;
  readonly rates: SharedArrayBuffer;
  readonly first: number;
  readonly count: number;
}

function addressOf(index: number): Uint8Array {
  const ip = new Uint8Array(16);
  ip.set([0xff, 0xff, index >>> 24, index >>> 16, index >>> 8, index], 10);
  return ip;
}

/** One thread's part: two events of each address, into both tables. */
export function count({ clients, rates, first, count: addresses }: HistoryJob): void {
  const [history, rate] = [new HistoryTable(clients, DAY_MS), new RateTable(rates)];
  const hasher = new KeyHasher(new Uint8Array(16));
  for (let index = first; index < first + addresses; index++) {
    hasher.begin(1);
    hasher.ip(addressOf(index), 128);
    hasher.end();
    for (let event = 0; event < 2; event++) history.add(hasher, 'handshakes', NOW + (index >> 10));
    rate.hit(hasher, 60_000, NOW);
  }
}

/** Microseconds of CPU that all threads took. */
async function runThreads(jobs: readonly HistoryJob[]): Promise<number> {
  const script = new URL('./lib/history-worker.ts', import.meta.url);
  const before = process.cpuUsage();
  await Promise.all(
    jobs.map(
      (job) =>
        new Promise<void>((resolve, reject) => {
          new Worker(script, { workerData: job }).once('error', reject).once('exit', () => resolve());
        }),
    ),
  );
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { addresses, threads, slots } = options as { [name: string]: number } & BenchOptions;
  const clients = HistoryTable.allocate(slots!);
  const rates = RateTable.allocate(slots!);
  const bytes = clients.byteLength + rates.byteLength;
  const share = Math.ceil(addresses! / threads!);
  const jobs = Array.from({ length: threads! }, (_, i) => ({
    clients,
    rates,
    first: i * share,
    count: Math.min(share, addresses! - i * share),
  }));
  const cpuMicros = await runThreads(jobs);
  const history = new HistoryTable(clients, DAY_MS);
  const { used, evictions, lost } = history.table;
  // Of two handshakes of a client one may have gone with an entry that made room in between; nothing else is right.
  const found = { whole: 0, half: 0, wrong: 0 };
  for (const { key } of history.table.entries(NOW, 0, history.table.slots)) {
    const entry = history.read(key, NOW + 1_000);
    const isOne =
      entry !== null && HISTORY_COUNTS.every((name) => name === 'handshakes' || entry[name] === 0);
    if (isOne && entry.handshakes === 2) found.whole++;
    else if (isOne && entry.handshakes === 1) found.half++;
    else found.wrong++;
  }
  const result = {
    addresses,
    threads,
    mebibytes: Number((bytes / 2 ** 20).toFixed(1)),
    slots: history.table.slots,
    used,
    evictions,
    lost,
    entries: found,
    cpuNanosecondsPerEvent: Math.round((cpuMicros * 1_000) / (addresses! * EVENTS)),
  };
  console.log(result);
  const accounted = used + evictions + lost >= addresses!;
  return {
    passed: found.wrong === 0 && accounted && clients.byteLength + rates.byteLength === bytes,
    result,
  };
}

export const bench: Bench = {
  summary: 'Distinct addresses through the shared tables from several threads: bounds kept, counts exact.',
  defaults: { addresses: 1_000_000, threads: 2, slots: 131_072 },
  run,
};
