/**
 * Hostile connections by the thousand against one edge: what good clients notice meanwhile, what each costs in
 * memory, when it is closed, and what is left of it afterwards. `--connections 10000 --aborts 10000` is the whole
 * run; the defaults take under a minute.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMicros } from './lib/cpu.ts';
import { type FloodReport, type FloodRequest, startFlood } from './lib/flood.ts';
import { type LoadReport, startLoad } from './lib/load.ts';
import { type ProcessState, stateOf } from './lib/process-state.ts';
import { percentile } from './lib/result.ts';
import { makeWorkplace, type Server, startSallyport, type Workplace } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

const AUDIT = 'audit.jsonl';
const HELD_NAME = 'refused.test';
const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy served extends tls.intermediate { log violations }
policy held extends served { action tarpit 3s  rank 9 }
site main { listen edge  sni any  score none
  pin holds when hello.sni == "${HELD_NAME}" use held
  ladder { from 0 use served }  on_error use served }
`;
/** Descriptors and sockets are given back by the kernel within that. */
const SETTLE_MS = 1_000;
/** Connections that make the process grow to what it needs anyway. */
const WARM_UP = 50;
const FLOOD_LIMIT_MS = 10_000;
const KEY_UPDATES = 'K\n'.repeat(50);

/** What was seen of one kind of flood. */
interface Row {
  readonly kind: string;
  readonly connections: number;
  /** Closed by the edge, and the first and last after accept, from the audit log. */
  readonly closed: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly seconds: readonly [number, number] | null;
  /** p99 of good clients' handshakes before and during, and how many of those during failed. */
  readonly p99Before: number | null;
  readonly p99During: number | null;
  readonly goodFailed: number;
  /** Resident memory of the edge for each open connection, and the kernel's for both ends. */
  readonly bytesEach: number | null;
  readonly kernelBytesEach: number | null;
  readonly descriptorsLeft: number;
  /** Growth of the resident memory from before to after, in percent. */
  readonly memoryLeftPercent: number;
}

class Floods {
  readonly #place: Workplace;
  readonly #edge: Server;
  readonly #options: { readonly [name: string]: number };
  #read = 0;

  constructor(place: Workplace, edge: Server, options: { readonly [name: string]: number }) {
    this.#place = place;
    this.#edge = edge;
    this.#options = options;
  }

  #state(): ProcessState {
    return stateOf(this.#edge.pid);
  }

  /** Audit lines since the last call. */
  #ended(): { readonly outcome: string; readonly seconds: number }[] {
    const lines = readFileSync(this.#place.file(AUDIT), 'utf8').split('\n').slice(0, -1);
    const fresh = lines.slice(this.#read);
    this.#read = lines.length;
    return fresh.map((line) => {
      const { event } = JSON.parse(line) as {
        readonly event: { readonly action: string; readonly duration: number };
      };
      return { outcome: event.action, seconds: event.duration / 1e9 };
    });
  }

  async #goodFor(ms: number): Promise<LoadReport> {
    const load = startLoad({ mode: 'rate', port: this.#edge.port, perSecond: this.#options.rate! });
    await delay(ms);
    load.stop();
    return load.report;
  }

  /** One flood beside good clients. */
  async run(
    kind: string,
    request: Pick<FloodRequest, 'mode' | 'count'> & Partial<FloodRequest>,
  ): Promise<Row> {
    const before = await this.#goodFor(this.#options.baseline! * 1_000);
    this.#ended();
    const idle = this.#state();
    const flood = startFlood({ ...request, port: this.#edge.port });
    const good = startLoad({ mode: 'rate', port: this.#edge.port, perSecond: this.#options.rate! });
    await flood.open;
    const full = this.#state();
    const report = await flood.report;
    good.stop();
    const during = await good.report;
    await delay(SETTLE_MS);
    const left = this.#state();
    return this.#row(kind, request, { before, during, idle, full, left, report });
  }

  #row(
    kind: string,
    { mode, count }: Pick<FloodRequest, 'mode' | 'count'>,
    seen: {
      readonly before: LoadReport;
      readonly during: LoadReport;
      readonly idle: ProcessState;
      readonly full: ProcessState;
      readonly left: ProcessState;
      readonly report: FloodReport;
    },
  ): Row {
    const { before, during, idle, full, left, report } = seen;
    const outcomes: Record<string, number> = {};
    const seconds: number[] = [];
    for (const { outcome, seconds: took } of this.#ended()) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome.endsWith('_timeout')) seconds.push(took);
    }
    const isHeld = mode !== 'abort' && mode !== 'overlong';
    const each = (bytes: number): number | null => (isHeld ? Math.round(bytes / count) : null);
    return {
      kind,
      connections: report.opened,
      closed: report.closed,
      outcomes,
      seconds: seconds.length === 0 ? null : [round(Math.min(...seconds)), round(Math.max(...seconds))],
      p99Before: rounded(percentile(before.latencies, 0.99)),
      p99During: rounded(percentile(during.latencies, 0.99)),
      goodFailed: during.failed,
      bytesEach: each(full.rssBytes - idle.rssBytes),
      kernelBytesEach: each(full.tcpBytes - idle.tcpBytes),
      descriptorsLeft: left.descriptors - idle.descriptors,
      memoryLeftPercent: round((left.rssBytes / idle.rssBytes - 1) * 100),
    };
  }

  /** Clients in the tarpit, as long as it lasts. */
  tarpit(): Promise<Row> {
    return this.run('tarpit', { mode: 'half', servername: HELD_NAME, count: this.#options.connections! });
  }

  /** One client that sends KeyUpdates as fast as it can: when it is cut off, and the CPU it took until then. */
  async keyUpdates(): Promise<object> {
    const args = ['s_client', '-connect', `127.0.0.1:${this.#edge.port}`, '-tls1_3', '-quiet', '-no_ign_eof'];
    const child = spawn('openssl', args, { stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin.on('error', () => {});
    const cpu = cpuMicros(this.#edge.pid);
    const started = performance.now();
    const timer = setInterval(() => child.stdin.write(KEY_UPDATES), 1);
    const closed = await Promise.race([once(child, 'close'), delay(FLOOD_LIMIT_MS).then(() => null)]);
    clearInterval(timer);
    child.kill('SIGKILL');
    const seconds = (performance.now() - started) / 1_000;
    const used = (cpuMicros(this.#edge.pid) - cpu) / 1e6;
    // why: the figure is of a core over ten seconds, however soon the client was cut off.
    return { closed: closed !== null, seconds: round(seconds), percentOfACore: round((used / 10) * 100) };
  }

  /** Is the first attempt to renegotiate refused? */
  async renegotiation(): Promise<object> {
    const args = ['s_client', '-connect', `127.0.0.1:${this.#edge.port}`, '-tls1_2'];
    const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => {});
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        if (!output.includes('Cipher is') && `${output}${chunk}`.includes('Cipher is'))
          child.stdin.write('R\n');
        output += chunk;
      });
    }
    await Promise.race([once(child, 'close'), delay(FLOOD_LIMIT_MS)]);
    child.kill('SIGKILL');
    return { refused: output.includes('no renegotiation') };
  }
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

function rounded(value: number | null): number | null {
  return value === null ? null : round(value);
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { connections, aborts, threads } = options as { [name: string]: number } & BenchOptions;
  const place = await makeWorkplace();
  place.write('policy.pdl', POLICY);
  const edge = await startSallyport(place, {
    threads: threads!,
    audit: AUDIT,
    limits: {
      connections: connections! * 3 + 1_000,
      connectionsPerWorker: connections! * 3 + 1_000,
      handshakes: connections! * 3 + 1_000,
      tarpits: connections!,
    },
  });
  try {
    const floods = new Floods(place, edge, options as { readonly [name: string]: number });
    await floods.run('warm-up', { mode: 'half', count: WARM_UP });
    const rows = [
      // why: memory that a flood leaves free would hide what the next one takes; the cheapest comes first.
      await floods.tarpit(),
      await floods.run('A01 silent', { mode: 'silent', count: connections! }),
      await floods.run('A02 drip', { mode: 'drip', count: connections! }),
      await floods.run('A03 half a handshake', { mode: 'half', count: connections! }),
      await floods.run('A05 overlong', { mode: 'overlong', count: connections!, bytes: 131_396 }),
      await floods.run('A31 aborts', { mode: 'abort', count: aborts! }),
    ];
    const again = await floods.run('A31 aborts again', { mode: 'abort', count: aborts! });
    const keyUpdates = await floods.keyUpdates();
    const renegotiation = await floods.renegotiation();
    const memory = stateOf(edge.pid);
    for (const row of [...rows, again]) console.log(JSON.stringify(row));
    console.log({ 'A23 KeyUpdate flood': keyUpdates, 'A22 renegotiation': renegotiation });
    const alive = edge.child.exitCode === null;
    const left = Math.max(...[...rows, again].map(({ descriptorsLeft }) => descriptorsLeft));
    const result = {
      rows: [...rows, again],
      keyUpdates,
      renegotiation,
      descriptors: memory.descriptors,
      alive,
    };
    return { passed: alive && left <= 2, result };
  } finally {
    await edge.stop();
    place.remove();
  }
}

export const bench: Bench = {
  summary:
    'Silent, dripping, half open, overlong and broken off connections beside good clients; fails when any are left.',
  defaults: { connections: 500, aborts: 500, rate: 20, baseline: 1, threads: 1 },
  run,
};
