/**
 * CPU of one refusal before TLS: at the ClientHello, parsed and scored, and at the address alone, each beside HAProxy
 * rejecting on the server name (`tcp-request content reject`) and on the address (`tcp-request connection reject`).
 * All in one run, in interleaved rounds; the ratios are what counts.
 */
import { captureHello } from '../test/support/hello.ts';
import { measureRounds, type Series } from './lib/series.ts';
import {
  makeWorkplace,
  REFUSED_NAME,
  type Server,
  startHaproxyReject,
  startSallyport,
  type Workplace,
} from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

async function startAll(place: Workplace, options: BenchOptions, into: Series[]): Promise<void> {
  const { threads, refusals } = options;
  const hello = (await captureHello({ servername: REFUSED_NAME })).toString('base64');
  const add = (name: string, server: Server): number =>
    into.push({ name, server, load: { mode: 'refusal', count: refusals!, hello } });
  add('sallyport', await startSallyport(place, { threads: threads! }));
  add('sallyport, audited', await startSallyport(place, { threads: threads!, audit: 'audit.jsonl' }));
  add('haproxy content reject', await startHaproxyReject(place, threads!, 'content'));
  add('haproxy connection reject', await startHaproxyReject(place, threads!, 'connection'));
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const place = await makeWorkplace();
  const all: Series[] = [];
  try {
    await startAll(place, options, all);
    const { micros, rounds, ratio } = await measureRounds(all, options.rounds!);
    const ratios = {
      'sallyport / haproxy content reject': ratio('sallyport', 'haproxy content reject'),
      'sallyport, audited / haproxy content reject': ratio('sallyport, audited', 'haproxy content reject'),
      'sallyport / haproxy connection reject': ratio('sallyport', 'haproxy connection reject'),
    };
    console.table(ratios);
    return {
      passed: true,
      result: {
        unit: 'CPU microseconds (user and system, whole process tree) of one refusal; medians over rounds',
        micros: Object.fromEntries(micros),
        ratios,
        rounds: Object.fromEntries(rounds),
      },
    };
  } finally {
    for (const { server } of all) await server.stop();
    place.remove();
  }
}

export const bench: Bench = {
  summary: 'CPU of a refusal before TLS, beside HAProxy.',
  defaults: { rounds: 5, refusals: 10_000, threads: 1 },
  run,
};
