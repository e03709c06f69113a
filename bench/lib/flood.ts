/** One flood beside good clients: what they notice, what each hostile connection costs, and what is left of it. */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clients, ClientsReport, ClientsRequest } from './clients.ts';
import { cpuMicros } from './cpu.ts';
import { HEAP_LOG } from './heap-probe.ts';
import { memoryOf, type ProcessMemory, stateOf } from './process-state.ts';
import { percentile } from './result.ts';
import type { Server, Workplace } from './servers.ts';

/** Descriptors and sockets are given back by the kernel within that. */
const SETTLE_MS = 1_000;
const SAMPLE_MS = 50;

/** What was seen of one kind of flood. */
export interface Row {
  readonly kind: string;
  readonly connections: number;
  /** Begun in each second; 0: as fast as they came. */
  readonly perSecond: number;
  /** By outcome, from the audit log, and the first and last end by a deadline, in seconds after accept. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly seconds: readonly [number, number] | null;
  /** p99 of good clients' handshakes before and during, in milliseconds, and how many of those during failed. */
  readonly p99Before: number | null;
  readonly p99During: number | null;
  readonly p99Ratio: number;
  readonly goodFailed: number;
  /** Processor time while the flood went on, in percent of a core. */
  readonly edgeCpuPercent: number;
  readonly floodCpuPercent: number;
  /** Resident memory of the edge at its highest, and the kernel's for both ends, for each connection. */
  readonly bytesEach: number;
  /** Resident memory without garbage while all are open; null where none stay open. */
  readonly heldBytesEach: number | null;
  readonly kernelBytesEach: number;
  readonly descriptorsLeft: number;
  /** Growth of what the heaps hold once garbage is collected, in percent. */
  readonly heapLeftPercent: number;
}

export type FloodRequest = Pick<ClientsRequest, 'mode' | 'count'> &
  Partial<ClientsRequest> & {
    /** Collect garbage once all are open, to see what they take: good clients notice that. */
    readonly weigh?: boolean;
  };

export interface FloodPlace {
  readonly place: Workplace;
  /** Started with the heap probe. */
  readonly edge: Server;
  readonly clients: Clients;
  /** Name of the audit log in the workplace. */
  readonly audit: string;
  /** Good handshakes in a second, and for how many seconds they are made before each flood. */
  readonly rate: number;
  readonly baseline: number;
}

export class Floods {
  readonly #on: FloodPlace;
  #read = 0;

  constructor(on: FloodPlace) {
    this.#on = on;
  }

  /** Outcomes and durations of the audit lines since the last call. */
  #ended(): { readonly outcome: string; readonly seconds: number }[] {
    const lines = readFileSync(this.#on.place.file(this.#on.audit), 'utf8').split('\n').slice(0, -1);
    const fresh = lines.slice(this.#read);
    this.#read = lines.length;
    return fresh.map((line) => {
      const { event } = JSON.parse(line) as {
        readonly event: { readonly action: string; readonly duration: number };
      };
      return { outcome: event.action, seconds: event.duration / 1e9 };
    });
  }

  async #goodDuring(during: Promise<unknown>): Promise<ClientsReport> {
    const { clients, edge, rate } = this.#on;
    const good = clients.start({ mode: 'good', port: edge.port, perSecond: rate });
    await during;
    good.stop();
    return good.report;
  }

  /** Bytes on the edge's heaps without garbage. */
  async #heap(): Promise<number> {
    const file = this.#on.place.file(HEAP_LOG);
    const read = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    const before = read();
    this.#on.edge.child.kill('SIGUSR2');
    for (let now = before; ; now = read()) {
      if (now !== before && now.endsWith('\n')) return Number(now.trimEnd().split('\n').at(-1));
      await delay(SAMPLE_MS);
    }
  }

  async #weigh(): Promise<number> {
    await this.#heap();
    return memoryOf(this.#on.edge.pid).rssBytes;
  }

  /** The most memory that was taken until `end`. */
  async #highest(end: Promise<unknown>): Promise<ProcessMemory> {
    let highest = { rssBytes: 0, tcpBytes: 0 };
    const timer = setInterval(() => {
      const { rssBytes, tcpBytes } = memoryOf(this.#on.edge.pid);
      highest = {
        rssBytes: Math.max(highest.rssBytes, rssBytes),
        tcpBytes: Math.max(highest.tcpBytes, tcpBytes),
      };
    }, SAMPLE_MS);
    await end.finally(() => clearInterval(timer));
    return highest;
  }

  async run(kind: string, request: FloodRequest): Promise<Row> {
    const { edge, clients, baseline } = this.#on;
    const before = await this.#goodDuring(delay(baseline * 1_000));
    const heap = await this.#heap();
    this.#ended();
    const idle = stateOf(edge.pid);
    const cpu = cpuMicros(edge.pid);
    const started = performance.now();
    const flood = clients.start({ ...request, port: edge.port });
    const held = request.weigh ? flood.open.then(() => this.#weigh()) : null;
    const [during, highest] = await Promise.all([
      this.#goodDuring(flood.report),
      this.#highest(flood.report),
    ]);
    const report = await flood.report;
    const heldBytes = await held;
    const ms = performance.now() - started;
    const edgeMs = (cpuMicros(edge.pid) - cpu) / 1e3;
    await delay(SETTLE_MS);
    const left = stateOf(edge.pid);
    const heapLeft = await this.#heap();
    const [p99Before, p99During] = [before, during].map(
      ({ latencies }) => percentile(latencies, 0.99) ?? null,
    );
    const row = {
      kind,
      connections: report.opened,
      perSecond: request.perSecond ?? 0,
      ...this.#outcomes(),
      p99Before: p99Before!,
      p99During: p99During!,
      p99Ratio: round(p99During! / p99Before!),
      goodFailed: during.failed,
      edgeCpuPercent: Math.round((edgeMs / ms) * 100),
      floodCpuPercent: Math.round((report.cpuMs / ms) * 100),
      bytesEach: Math.max(0, Math.round((highest.rssBytes - idle.rssBytes) / request.count)),
      heldBytesEach: heldBytes === null ? null : Math.round((heldBytes - idle.rssBytes) / request.count),
      kernelBytesEach: Math.max(0, Math.round((highest.tcpBytes - idle.tcpBytes) / request.count)),
      descriptorsLeft: left.descriptors - idle.descriptors,
      heapLeftPercent: round((heapLeft / heap - 1) * 100),
    };
    console.log(JSON.stringify(row));
    return row;
  }

  #outcomes(): Pick<Row, 'outcomes' | 'seconds'> {
    const outcomes: Record<string, number> = {};
    let [first, last] = [Number.POSITIVE_INFINITY, 0];
    for (const { outcome, seconds } of this.#ended()) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (!outcome.endsWith('_timeout')) continue;
      first = Math.min(first, seconds);
      last = Math.max(last, seconds);
    }
    return { outcomes, seconds: last === 0 ? null : [round(first), round(last)] };
  }
}

export function round(value: number): number {
  return Number(value.toFixed(2));
}
