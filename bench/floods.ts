/**
 * Hostile connections by the thousand against one edge: what good clients notice meanwhile, what each costs in
 * memory, when it is closed, and what is left of it afterwards, each beside its limit. `--connections 10000
 * --aborts 100000 --splits 10000` is the whole run; the defaults take three minutes.
 *
 * The clients are cheap and keep to one core, and floods come at a stated rate: clients that take the edge's processor
 * away would measure themselves.
 */
import { captureHello } from '../test/support/hello.ts';
import { Clients } from './lib/clients.ts';
import { Floods, type Row, round } from './lib/flood.ts';
import { atMost, exactly, type Figure, within } from './lib/limits.ts';
import { makeWorkplace, SERVED_NAME, startSallyport } from './lib/servers.ts';
import { splitsInCore, splitsThroughEdge } from './lib/splits.ts';
import { keyUpdateFlood, refusesRenegotiation } from './lib/tls-floods.ts';
import type { Bench, BenchOptions } from './main.ts';

const AUDIT = 'audit.jsonl';
const HELD_NAME = 'refused.test';
const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy served extends tls.intermediate { handshake { timeout 10s }  log all }
policy held extends served { action tarpit 8s  rank 9 }
site main { listen edge  sni any  score none
  pin holds when hello.sni == "${HELD_NAME}" use held
  ladder { from 0 use served }  on_error use served }
`;
/** Connections that make the process grow to what it needs anyway. */
const WARM_UP = 500;
const HELLO_SECONDS = 5;
const HANDSHAKE_SECONDS = 10;
const SLACK_SECONDS = 0.2;
const KIB = 1_024;
const DRIPS_MS = [100, 4_900];
/** Most bytes of a hello, with its header. */
const CAP = 16_384;
/** Bytes of a hello that clients claim, with its header; they send as much, up to what OpenSSL would hold. */
const CLAIMS = [CAP, CAP + 1, 65_536, 131_396, 0xffffff];
const MOST_SENT = 131_396;
const MAX_RECORD = 16_384;
const HEADER = 4;
const ABORTS_AT_ONCE = 64;

/** A hello that claims `claim` bytes and has none of what belongs in them; one within the cap is never whole. */
function overlong(claim: number): Buffer {
  const message = Buffer.alloc(claim > CAP ? Math.min(claim, MOST_SENT) : claim - KIB, 0x41);
  message[0] = 1;
  message.writeUIntBE(claim - HEADER, 1, 3);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += MAX_RECORD) {
    const part = message.subarray(at, at + MAX_RECORD);
    records.push(Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(records);
}

function closedAt(id: string, row: Row, outcome: string, seconds: number): Figure[] {
  return [
    exactly(id, `${row.kind}: closed as ${outcome}`, row.outcomes[outcome] ?? 0, row.connections),
    within(id, `${row.kind}: seconds until closed`, row.seconds, seconds, SLACK_SECONDS),
  ];
}

/** What every flood is held to. */
function harmless(id: string, row: Row): Figure[] {
  return [
    exactly(id, `${row.kind}: good clients that failed`, row.goodFailed, 0),
    atMost(id, `${row.kind}: descriptors left after 1 s`, row.descriptorsLeft, 0),
  ];
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { connections, aborts, splits, edgeSplits, perSecond, halvesPerSecond, rate, baseline, threads } =
    options as { [name: string]: number };
  const place = await makeWorkplace();
  place.write('policy.pdl', POLICY);
  const most = connections! * 3 + 1_000;
  const edge = await startSallyport(place, {
    threads: threads!,
    audit: AUDIT,
    limits: { connections: most, connectionsPerWorker: most, handshakes: most, tarpits: connections! },
    nodeFlags: ['--expose-gc', '--import', new URL('./lib/heap-probe.ts', import.meta.url).href],
  });
  try {
    const clients = new Clients(place);
    const floods = new Floods({ place, edge, clients, audit: AUDIT, rate: rate!, baseline: baseline! });
    const hello = await captureHello({ servername: SERVED_NAME });
    const held = await captureHello({ servername: HELD_NAME });
    const count = connections!;
    const half = { mode: 'send', hello, perSecond: halvesPerSecond! } as const;
    const abort = { mode: 'abort', hello, atOnce: ABORTS_AT_ONCE } as const;
    await floods.run('warm-up', { ...half, count: WARM_UP });
    // why: memory that a flood leaves free would hide what the next one takes; the cheapest comes first.
    const tarpit = await floods.run('tarpit', {
      mode: 'send',
      hello: held,
      count,
      perSecond: perSecond!,
      weigh: true,
    });
    const silent = await floods.run('silent', { mode: 'silent', count, perSecond: perSecond! });
    const drips: Row[] = [];
    for (const everyMs of DRIPS_MS) {
      const kind = `a byte every ${everyMs} ms`;
      drips.push(await floods.run(kind, { mode: 'drip', hello, everyMs, count, perSecond: perSecond! }));
    }
    const claims: Row[] = [];
    for (const claim of CLAIMS) {
      const kind = `claims ${claim.toLocaleString('en')} bytes`;
      const each = Math.ceil(count / CLAIMS.length);
      claims.push(
        await floods.run(kind, { mode: 'send', hello: overlong(claim), count: each, perSecond: perSecond! }),
      );
    }
    const halves = await floods.run('half a handshake', { ...half, count });
    await floods.run('aborts, first', { ...abort, count: Math.ceil(aborts! / 10) });
    const broken = await floods.run('aborts', { ...abort, count: aborts! });
    const differences = splitsInCore(hello, splits!);
    const edgeDifferences = await splitsThroughEdge(edge.port, place.file(AUDIT), hello, edgeSplits!);
    const keyUpdates = await keyUpdateFlood(edge);
    const isRefused = await refusesRenegotiation(edge);
    const [within16, ...beyond] = claims as [Row, ...Row[]];
    const figures: Figure[] = [
      ...closedAt('A01', silent, 'hello_timeout', HELLO_SECONDS),
      atMost('A01', 'silent: p99 of good clients', silent.p99Ratio, 2, ' × before'),
      ...harmless('A01', silent),
      ...drips.flatMap((drip) => [
        ...closedAt('A02', drip, 'hello_timeout', HELLO_SECONDS),
        atMost('A02', `${drip.kind}: p99 of good clients`, drip.p99Ratio, 2, ' × before'),
        ...harmless('A02', drip),
      ]),
      ...closedAt('A03', halves, 'handshake_timeout', HANDSHAKE_SECONDS),
      ...harmless('A03', halves),
      exactly('A04', `${splits} random splits in the core: other fingerprints`, differences, 0),
      exactly('A04', `${edgeSplits} random splits through the edge: other fingerprints`, edgeDifferences, 0),
      ...closedAt('A05', within16, 'hello_timeout', HELLO_SECONDS),
      ...beyond.map((row) =>
        exactly('A05', `${row.kind}: hello_too_large`, row.outcomes.hello_too_large ?? 0, row.connections),
      ),
      ...claims.flatMap((row) => [
        atMost('A05', `${row.kind}: resident bytes of each`, row.bytesEach, 20 * KIB),
        ...harmless('A05', row),
      ]),
      exactly('A22', 'the first renegotiation is refused', isRefused, true),
      exactly('A23', 'the KeyUpdate flood is cut off', keyUpdates.closed, true),
      atMost('A23', 'seconds until the KeyUpdate flood is cut off', round(keyUpdates.seconds), 10),
      atMost('A23', 'KeyUpdate flood: processor', round(keyUpdates.percentOfACore), 5, ' % of a core'),
      atMost('A31', `${aborts} aborts: growth of the heaps`, broken.heapLeftPercent, 2, ' %'),
      ...harmless('A31', broken),
      exactly('tarpit', 'held and let go', tarpit.outcomes.tarpitted ?? 0, tarpit.connections),
      atMost(
        'tarpit',
        'bytes of each, with the kernel’s',
        tarpit.bytesEach + tarpit.kernelBytesEach,
        10 * KIB,
      ),
      ...harmless('tarpit', tarpit),
      exactly('all', 'the edge still runs', edge.child.exitCode === null, true),
    ];
    console.table(figures);
    const rows = [tarpit, silent, ...drips, ...claims, halves, broken];
    return { passed: figures.every(({ passed }) => passed), result: { figures, rows } };
  } finally {
    await edge.stop();
    place.remove();
  }
}

export const bench: Bench = {
  summary:
    'Silent, dripping, half open, overlong and broken off connections beside good clients, each figure with its limit.',
  defaults: {
    ...{ connections: 2_000, aborts: 2_000, splits: 10_000, edgeSplits: 100 },
    ...{ perSecond: 2_000, halvesPerSecond: 250, rate: 50, baseline: 5, threads: 1 },
  },
  run,
};
