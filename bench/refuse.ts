/**
 * CPU of one refusal before TLS: at the ClientHello, parsed and scored, and at the address alone, each beside HAProxy
 * rejecting on the server name (`tcp-request content reject`) and on the address (`tcp-request connection reject`).
 * All in one run, in interleaved rounds; the ratios are what counts.
 */
import { captureHello } from '../test/support/hello.ts';
import { compareServers, type Series } from './lib/series.ts';
import {
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
  const start = (place: Workplace, into: Series[]): Promise<void> => startAll(place, options, into);
  const result = await compareServers(start, options.rounds!, 'one refusal', [
    ['sallyport', 'haproxy content reject'],
    ['sallyport, audited', 'haproxy content reject'],
    ['sallyport', 'haproxy connection reject'],
  ]);
  return { passed: true, result };
}

export const bench: Bench = {
  summary: 'CPU of a refusal before TLS, beside HAProxy.',
  defaults: { rounds: 5, refusals: 10_000, threads: 1 },
  run,
};
