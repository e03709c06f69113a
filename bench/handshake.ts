/**
 * CPU of the edge for one full TLS 1.3 handshake (ECDSA P-256, X25519, no resumption) beside plain
 * `node:tls` and `node:https` servers and HAProxy. All in one run, in interleaved rounds; the ratios are what counts.
 */
import { compareServers, type Series } from './lib/series.ts';
import {
  type Server,
  startHaproxy,
  startNodeHttps,
  startNodeTls,
  startSallyport,
  type Workplace,
} from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

async function startAll(place: Workplace, options: BenchOptions, into: Series[]): Promise<void> {
  const { threads, handshakes } = options;
  const load = { mode: 'handshake', count: handshakes! } as const;
  const add = (name: string, server: Server): number => into.push({ name, server, load });
  add('sallyport', await startSallyport(place, { threads: threads! }));
  add('node:tls', await startNodeTls(place));
  add('node:https', await startNodeHttps(place));
  add('haproxy', await startHaproxy(place, threads!));
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const start = (place: Workplace, into: Series[]): Promise<void> => startAll(place, options, into);
  const result = await compareServers(start, options.rounds!, 'one handshake', [
    ['sallyport', 'haproxy'],
    ['sallyport', 'node:tls'],
    ['sallyport', 'node:https'],
    ['node:tls', 'haproxy'],
  ]);
  return { passed: true, result };
}

export const bench: Bench = {
  summary: 'CPU of a handshake, beside node:tls, node:https and HAProxy.',
  defaults: { rounds: 5, handshakes: 3000, threads: 1 },
  run,
};
