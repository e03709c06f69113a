/**
 * CPU of the edge for one full TLS 1.3 handshake (ECDSA P-256, X25519, no resumption) beside a plain
 * `node:tls` server and HAProxy. All in one run, in interleaved rounds; the ratios are what counts.
 */
import { measureRounds, type Series } from './lib/series.ts';
import {
  makeWorkplace,
  type Server,
  startHaproxy,
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
  add('haproxy', await startHaproxy(place, threads!));
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const place = await makeWorkplace();
  const all: Series[] = [];
  try {
    await startAll(place, options, all);
    const { micros, rounds, ratio } = await measureRounds(all, options.rounds!);
    const ratios = {
      'sallyport / haproxy': ratio('sallyport', 'haproxy'),
      'sallyport / node:tls': ratio('sallyport', 'node:tls'),
      'node:tls / haproxy': ratio('node:tls', 'haproxy'),
    };
    console.table(ratios);
    return {
      passed: true,
      result: {
        unit: 'CPU microseconds (user and system, whole process tree) of one handshake; medians over rounds',
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
  summary: 'CPU of a handshake, beside node:tls and HAProxy.',
  defaults: { rounds: 5, handshakes: 3000, threads: 1 },
  run,
};
