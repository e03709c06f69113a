/**
 * What the puzzle in the handshake costs the edge: CPU of a client that is refused at its second hello, of one that is
 * refused because it offers no puzzle, and of a full handshake; and what a flood of clients that take the puzzle and
 * never solve it does to the handshakes of others. All in one run; the ratios are what counts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  answerContent,
  changed,
  EXTENSION,
  encodeHello,
  keyShare,
  makeHello,
  P256,
} from '../test/support/raw-puzzle.ts';
import { Clients } from './lib/clients.ts';
import { percentile } from './lib/result.ts';
import { compare, type Series } from './lib/series.ts';
import { makeWorkplace, type Server, startSallyport, type Workplace } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

const PUZZLED_NAME = 'puzzle.test';
/** Within which a puzzle must be solved: a flood lasts so much longer than it comes. */
const PUZZLE_SECONDS = 5;

/** One name is asked for 30 bits, so that no answer is right by chance; all others are served. */
const POLICY = `pdl 1
import "std/tls" as tls
secret puzzle_key from file "puzzle.key"
score risk { clamp 0..100  signal no_sni +30 when unknown hello.sni }
challenge puzzle {
  kind pow  difficulty 30  solve_within 5s  clears for 1h per conn.ip  secret puzzle_key
  deliver [ handshake ]
}
policy low   extends tls.modern { log none }
policy asked extends low        { challenge puzzle  rank 10 }
site default { listen edge  sni any                     score risk  ladder { from 0 use low }    on_error use low }
site puzzled { listen edge  sni { "${PUZZLED_NAME}" }  score risk  ladder { from 0 use asked }  on_error use asked }
`;

const first = makeHello({ name: PUZZLED_NAME });
const second = changed(first, [keyShare(P256), [EXTENSION, answerContent(1, 0n)]]);
const base64 = (hello: Parameters<typeof encodeHello>[0]): string => encodeHello(hello).toString('base64');

function seriesOf(server: Server, options: BenchOptions): Series[] {
  const { handshakes, refusals, floodPerSecond } = options as { [name: string]: number } & BenchOptions;
  const refusal = { mode: 'refusal', count: refusals! } as const;
  const unasked = makeHello({ name: PUZZLED_NAME, puzzle: null });
  return [
    { name: 'handshake', server, load: { mode: 'handshake', count: handshakes! } },
    {
      name: 'refused at the second hello',
      server,
      load: { ...refusal, hello: base64(first), second: base64(second) },
    },
    {
      name: 'asked, never answers',
      server,
      load: { mode: 'silent', count: refusals!, perSecond: floodPerSecond!, hello: base64(first) },
    },
    { name: 'refused, offers no puzzle', server, load: { ...refusal, hello: base64(unasked) } },
  ];
}

/** Most that a flood may make of the p99 of others. */
const MAX_RATIO = 2;

interface Flooded {
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly done: number;
  readonly failed: number;
}

/** Handshakes of others, begun at a steady rate while `during` goes on. */
async function handshakesDuring(
  clients: Clients,
  { port }: Server,
  perSecond: number,
  during: () => Promise<unknown>,
): Promise<Flooded> {
  const good = clients.start({ mode: 'good', port, perSecond });
  await during();
  good.stop();
  const { failed, latencies } = await good.report;
  const [p50, p99] = [percentile(latencies, 0.5) ?? 0, percentile(latencies, 0.99) ?? 0];
  return { p50, p99, done: latencies.length, failed };
}

async function measureFlood(
  place: Workplace,
  options: BenchOptions,
): Promise<{ readonly ratio: number; readonly failed: number }> {
  const { flood, floodPerSecond, goodPerSecond, threads } = options as {
    [name: string]: number;
  } & BenchOptions;
  const server = await startSallyport(place, { threads: threads! });
  const clients = new Clients(place);
  const seconds = flood! / floodPerSecond! + PUZZLE_SECONDS;
  const rounds: { quiet: Flooded; flooded: Flooded }[] = [];
  try {
    await handshakesDuring(clients, server, goodPerSecond!, () => delay(1_000));
    for (let round = 0; round < options.floodRounds!; round++) {
      const quiet = await handshakesDuring(clients, server, goodPerSecond!, () => delay(seconds * 1_000));
      const flooded = await handshakesDuring(clients, server, goodPerSecond!, async () => {
        const hello = encodeHello(first);
        await clients.start({
          mode: 'send',
          port: server.port,
          count: flood!,
          perSecond: floodPerSecond!,
          hello,
        }).report;
      });
      rounds.push({ quiet, flooded });
      console.log(
        `flood ${round + 1}: p99 ${quiet.p99.toFixed(1)} ms without, ${flooded.p99.toFixed(1)} ms with`,
      );
    }
  } finally {
    await server.stop();
  }
  const best = rounds.toSorted((a, b) => a.flooded.p99 / a.quiet.p99 - b.flooded.p99 / b.quiet.p99)[
    Math.floor(rounds.length / 2)
  ]!;
  const ratio = Number((best.flooded.p99 / best.quiet.p99).toFixed(2));
  return { ...best, ratio, failed: best.flooded.failed };
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const place = await makeWorkplace();
  try {
    place.write('policy.pdl', POLICY);
    place.write('puzzle.key', 'a key for the benchmark, long enough');
    const server = await startSallyport(place, { threads: options.threads! });
    const pairs = ['refused at the second hello', 'asked, never answers', 'refused, offers no puzzle'].map(
      (name) => [name, 'handshake'] as const,
    );
    const compared = await compare(
      seriesOf(server, options),
      options.rounds!,
      'one connection',
      pairs,
    ).finally(() => server.stop());
    const flood = options.flood! > 0 ? await measureFlood(place, options) : null;
    if (flood !== null) console.log(flood);
    const passed = flood === null || (flood.ratio <= MAX_RATIO && flood.failed === 0);
    return { passed, result: { ...compared, flood } };
  } finally {
    place.remove();
  }
}

export const bench: Bench = {
  summary: 'CPU of clients that fail a puzzle in the handshake, and what a flood of them does to others.',
  defaults: {
    ...{ rounds: 3, handshakes: 2_000, refusals: 3_000, threads: 1 },
    ...{ flood: 5_000, floodPerSecond: 1_000, goodPerSecond: 50, floodRounds: 3 },
  },
  run,
};
