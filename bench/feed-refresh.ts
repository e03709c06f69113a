/**
 * A list of a million prefixes that changes while the edge serves: what a refresh does to the handshakes, to the event
 * loops of the workers, and to memory.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { suspicion, wordsOf } from '../src/intel/guards.ts';
import { makeCertificate } from '../test/support/certificate.ts';
import { type LoadReport, startLoad } from './lib/load.ts';
import { prefix, random } from './lib/prefixes.ts';
import { median, percentile } from './lib/result.ts';
import { freePort, makeWorkplace, startSallyport, type Workplace } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

/** How often the edge asks for the list; each answer is another list. */
const REFRESH_SECONDS = 10;
const POLL_MS = 500;
/** No stall of a worker's loop may be longer, and no slower may the slowest handshakes be. */
const MAX_STALL_MS = 10;
const MAX_P99_RATIO = 1.2;

/** Two lists that differ in one prefix in ten thousand. */
function makeLists(count: number): [string, string] {
  const next = random(1);
  const lines: string[] = [];
  while (lines.length < count) {
    const line = prefix('v4', next);
    if (suspicion(wordsOf(line)) === null) lines.push(line);
  }
  const other = lines.map((line, index) =>
    index % 10_000 === 0 ? `45.${(index >> 16) & 255}.${(index >> 8) & 255}.0/24` : line,
  );
  return [lines.join('\n'), other.join('\n')];
}

interface ListServer {
  readonly url: string;
  /** From now on it has another list at each request, else it says that nothing changed. */
  changes: boolean;
  close(): void;
}

async function serveLists(place: Workplace, lists: readonly string[]): Promise<ListServer> {
  const { certificate, key } = await makeCertificate({ names: ['localhost'] });
  place.write('lists.pem', certificate);
  const state = { url: '', changes: false, close: () => {} };
  let which = 0;
  const server = createServer({ cert: certificate, key }, (request, response) => {
    if (state.changes) which = 1 - which;
    response.setHeader('etag', `"${which}"`);
    if (request.headers['if-none-match'] === `"${which}"`) response.writeHead(304).end();
    else response.end(lists[which]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `https://localhost:${(server.address() as AddressInfo).port}/list`;
  state.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return state;
}

interface Watched {
  readonly load: LoadReport;
  readonly longestStallMs: number;
  readonly residentMiB: number;
  readonly reloads: number;
}

const p99 = ({ load }: Watched): number => percentile(load.latencies, 0.99)!;

async function readMetrics(address: string): Promise<(name: string) => number> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  return (name) =>
    Number(new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** Handshakes at a steady rate, and meanwhile the metrics. */
async function watch(port: number, rate: number, seconds: number, metrics: string): Promise<Watched> {
  const reloads = 'sallyport_policy_reloads_total{result="ok"}';
  const before = (await readMetrics(metrics))(reloads);
  const load = startLoad({ mode: 'rate', port, perSecond: rate });
  // why: the longest stall is that of the last five seconds; those before the load are not its.
  await delay(6_000);
  let longestStallMs = 0;
  let residentMiB = 0;
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; await delay(POLL_MS)) {
    const now = await readMetrics(metrics);
    longestStallMs = Math.max(longestStallMs, now('sallyport_loop_stall_seconds') * 1_000);
    residentMiB = Math.max(residentMiB, now('process_resident_memory_bytes') / 2 ** 20);
  }
  const after = (await readMetrics(metrics))(reloads);
  load.stop();
  return {
    load: await load.report,
    longestStallMs,
    residentMiB: Math.round(residentMiB),
    reloads: after - before,
  };
}

/** Of several rounds the medians, and what no round exceeded. */
function summarise(rounds: readonly Watched[]): object {
  const all = (of: (round: Watched) => number): number[] => rounds.map(of);
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
  return {
    done: sum(all(({ load }) => load.done)),
    failed: sum(all(({ load }) => load.failed)),
    errors: rounds.map(({ load }) => load.errors),
    p50Ms: median(all(({ load }) => percentile(load.latencies, 0.5)!)),
    p99Ms: median(all(p99)),
    p99OfRoundsMs: all(p99),
    stallMs: median(all(({ longestStallMs }) => longestStallMs)),
    longestStallMs: Math.max(...all(({ longestStallMs }) => longestStallMs)),
    residentMiB: Math.max(...all(({ residentMiB }) => residentMiB)),
    reloads: sum(all(({ reloads }) => reloads)),
  };
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { prefixes, rounds, seconds, rate, threads } = options as { [name: string]: number } & BenchOptions;
  const place = await makeWorkplace();
  const server = await serveLists(place, makeLists(prefixes!));
  const policy = readFileSync(place.file('policy.pdl'), 'utf8')
    .replace(
      'counter ',
      `feed bad of cidr from url "${server.url}" { refresh ${REFRESH_SECONDS}s }\ncounter `,
    )
    .replace('signal no_sni ', 'signal bad +40 when conn.ip in bad\n    signal no_sni ');
  place.write('policy.pdl', policy);
  const metrics = `127.0.0.1:${await freePort()}`;
  const edge = await startSallyport(place, {
    threads: threads!,
    metrics,
    config: { feeds: { directory: place.file('feeds'), ca: place.file('lists.pem') } },
  });
  try {
    const quiet: Watched[] = [];
    const refreshing: Watched[] = [];
    // why: in turns, since what else the machine does changes from minute to minute.
    for (let round = 0; round < rounds!; round++) {
      for (const [changes, found] of [
        [false, quiet],
        [true, refreshing],
      ] as const) {
        server.changes = changes;
        const watched = await watch(edge.port, rate!, seconds!, metrics);
        found.push(watched);
        const { longestStallMs, residentMiB, reloads } = watched;
        console.log({ changes, p99Ms: p99(watched), longestStallMs, residentMiB, reloads });
      }
    }
    const p99Ratio = median(refreshing.map(p99)) / median(quiet.map(p99));
    const stall = (watched: readonly Watched[]): number => median(watched.map((each) => each.longestStallMs));
    const passed =
      refreshing.every(({ reloads, load }) => reloads > 0 && load.failed === 0) &&
      // why: where other programs stall the loops as long without a refresh, one cannot be told from them.
      stall(refreshing) <= Math.max(MAX_STALL_MS, stall(quiet)) &&
      p99Ratio <= MAX_P99_RATIO;
    const result = { without: summarise(quiet), refreshing: summarise(refreshing), p99Ratio, passed };
    console.log(result);
    return { passed, result };
  } finally {
    await edge.stop();
    server.close();
    place.remove();
  }
}

export const bench: Bench = {
  summary: 'A list of a million prefixes that changes while the edge serves.',
  defaults: { prefixes: 1_000_000, rounds: 4, seconds: 24, rate: 100, threads: 2 },
  run,
};
