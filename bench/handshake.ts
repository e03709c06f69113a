/**
 * CPU of the edge for one full TLS 1.3 handshake (ECDSA P-256, X25519, no resumption) beside a plain
 * `node:tls` server and HAProxy, and for one refusal before TLS beside HAProxy's own. All in one run, in
 * interleaved rounds; the ratios are what counts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { captureHello } from '../test/support/hello.ts';
import { cpuMicros } from './lib/cpu.ts';
import { type LoadRequest, runLoad } from './lib/load.ts';
import { median } from './lib/result.ts';
import {
  makeWorkplace,
  REFUSED_NAME,
  type Server,
  startHaproxy,
  startHaproxyReject,
  startNodeTls,
  startSallyport,
  type Workplace,
} from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

/** Work that the last connections leave behind belongs to the round. */
const SETTLE_MS = 200;

interface Series {
  readonly name: string;
  readonly server: Server;
  readonly load: Pick<LoadRequest, 'mode' | 'count'> & Partial<LoadRequest>;
  /** CPU microseconds of one connection, by round. */
  readonly micros: number[];
}

async function measure({ name, server, load, micros }: Series): Promise<void> {
  const before = cpuMicros(server.pid);
  const { done, failed, errors } = await runLoad({ ...load, port: server.port });
  await delay(SETTLE_MS);
  if (failed > 0 || done !== load.count) {
    throw new Error(`${name}: ${done} of ${load.count} connections, ${JSON.stringify(errors)}`);
  }
  micros.push((cpuMicros(server.pid) - before) / done);
}

async function startAll(place: Workplace, options: BenchOptions, into: Series[]): Promise<void> {
  const { threads, handshakes, refusals } = options as { [name: string]: number } & BenchOptions;
  const hello = (await captureHello({ servername: REFUSED_NAME })).toString('base64');
  const shake = { mode: 'handshake', count: handshakes! } as const;
  const refuse = { mode: 'refusal', count: refusals!, hello } as const;
  const add = (name: string, server: Server, load: Series['load']): void => {
    into.push({ name, server, load, micros: [] });
  };
  const edge = await startSallyport(place, { threads: threads! });
  add('sallyport handshake', edge, shake);
  add('sallyport refusal', edge, refuse);
  add('node:tls handshake', await startNodeTls(place), shake);
  add('haproxy handshake', await startHaproxy(place, threads!), shake);
  add('haproxy refusal', await startHaproxyReject(place, threads!), refuse);
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const place = await makeWorkplace();
  const all: Series[] = [];
  try {
    await startAll(place, options, all);
    for (const series of all) await measure({ ...series, micros: [] });
    for (let round = 0; round < options.rounds!; round++) {
      for (const series of all) await measure(series);
      console.log(
        `round ${round + 1}: ${all.map((each) => `${each.name} ${each.micros.at(-1)!.toFixed(0)} µs`).join(', ')}`,
      );
    }
  } finally {
    for (const { server } of all) await server.stop();
    place.remove();
  }
  const micros = new Map(all.map((series) => [series.name, median(series.micros)]));
  const ratio = (of: string, to: string): number => Number((micros.get(of)! / micros.get(to)!).toFixed(3));
  const ratios = {
    'handshake: sallyport / haproxy': ratio('sallyport handshake', 'haproxy handshake'),
    'handshake: sallyport / node:tls': ratio('sallyport handshake', 'node:tls handshake'),
    'handshake: node:tls / haproxy': ratio('node:tls handshake', 'haproxy handshake'),
    'refusal: sallyport / haproxy': ratio('sallyport refusal', 'haproxy refusal'),
    'sallyport: refusal / handshake': ratio('sallyport refusal', 'sallyport handshake'),
  };
  console.table(
    Object.fromEntries([...micros].map(([name, value]) => [name, { 'CPU µs': Math.round(value) }])),
  );
  console.table(ratios);
  return {
    passed: true,
    result: {
      unit: 'CPU microseconds (user and system, whole process tree) of one connection; medians over rounds',
      micros: Object.fromEntries(micros),
      ratios,
      rounds: Object.fromEntries(all.map(({ name, micros: each }) => [name, each])),
    },
  };
}

export const bench: Bench = {
  summary: 'CPU of a handshake and of a refusal, beside node:tls and HAProxy.',
  defaults: { rounds: 5, handshakes: 3000, refusals: 6000, threads: 1 },
  run,
};
