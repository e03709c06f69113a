/**
 * The edge's Prometheus metrics, on the main thread. Counters and histograms come from the records of
 * connections that ended; gauges are asked for at each scrape. Labels hold names from the operator's
 * own files and fixed lists only: never an address, a server name, a fingerprint or a User-Agent.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ConnectionRecord } from '../audit/record.ts';
import type { BotCounts } from '../intel/confirm-bot.ts';
import type { DnsListHealth } from '../intel/dns-list.ts';
import type { FeedHealth } from '../intel/refresher.ts';
import type { ModeReport } from '../orchestrator/modes.ts';
import type { TableState } from '../orchestrator/shared-tables.ts';
import type { DatabaseHealth } from '../profile/address/origin-store.ts';
import { COUNTERS, HISTOGRAMS, meterRecord } from './connection-metrics.ts';
import { registerDatabases } from './database-metrics.ts';
import { MergedHistogram } from './merged-histogram.ts';
import { type OcspCounts, registerOcsp, type StapleHealth } from './ocsp-metrics.ts';
import { type Tally, TallyMeter } from './tally.ts';

/** What a scrape asks the edge for. Totals count from the start of the process. */
export interface EdgeSample {
  /** Open connections, of which some shake hands and some are held without an answer. */
  readonly connections: number;
  readonly held: number;
  /** Held connections that had to make room for others. */
  readonly evictedTarpits: number;
  readonly handshakes: number;
  readonly waitingPuzzles: number;
  /** Longest time that the loop of a worker stood still in the last five seconds, in microseconds. */
  readonly stallUs: number;
  readonly workers: number;
  readonly workerRestarts: number;
  /** How full the shared tables are. */
  readonly tables: readonly TableState[];
  readonly audit: { readonly written: number; readonly lost: number; readonly queued: number };
  /** Feeds that are fetched. */
  readonly feeds: readonly FeedHealth[];
  readonly dnsLists: readonly DnsListHealth[];
  /** Crawlers that were looked up, by what came of it. */
  readonly bots: BotCounts;
  /** MaxMind databases of the configuration. */
  readonly databases: readonly DatabaseHealth[];
  /** OCSP answers about our own certificates. */
  readonly staples: readonly StapleHealth[];
  readonly ocsp: OcspCounts;
  /** Of the policy in force. */
  readonly modes: readonly ModeReport[];
  /** The active policy; null before the first. */
  readonly policy: { readonly imageId: string; readonly epoch: number } | null;
}

export interface Metrics {
  /** The Prometheus text page with a fresh sample, and its content type. */
  render(): Promise<{ readonly body: string; readonly contentType: string }>;
  /** Folds one ended connection in. */
  observeRecord(record: ConnectionRecord): void;
  /** Folds in what a worker counted of the connections that ended there. */
  fold(tally: Tally): void;
  observeReload(result: 'ok' | 'refused'): void;
}

/** `sample` is called once per rendering. */
export function createMetrics(sample: () => EdgeSample): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const refresh = registerSampled(registry);
  const registers = [registry];

  const counters = mapValues(
    COUNTERS,
    ({ labels, ...about }) => new Counter({ ...about, labelNames: labels, registers }),
  );
  const histograms = mapValues(HISTOGRAMS, (about) => new MergedHistogram(about, registry));
  const reloads = new Counter({
    name: 'sallyport_policy_reloads_total',
    help: 'Policy reloads, by result.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['ok', 'refused']) reloads.inc({ result }, 0);

  const fold = (tally: Tally): void => {
    for (const { metric, labels, total } of tally.counts) {
      counters[metric].inc(labelled(COUNTERS[metric].labels, labels), total);
    }
    for (const { metric, labels, distribution } of tally.samples)
      histograms[metric].merge(labels, distribution);
  };

  return {
    render: async () => {
      refresh(sample());
      return { body: await registry.metrics(), contentType: registry.contentType };
    },
    observeRecord: (record) => {
      const meter = new TallyMeter();
      meterRecord(record, meter);
      fold(meter.take());
    },
    fold,
    observeReload: (result) => reloads.inc({ result }),
  };
}

function mapValues<K extends string, A, B>(
  from: Readonly<Record<K, A>>,
  make: (value: A) => B,
): Record<K, B> {
  const entries = Object.entries(from) as [K, A][];
  return Object.fromEntries(entries.map(([key, value]) => [key, make(value)])) as Record<K, B>;
}

function labelled(names: readonly string[], values: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let i = 0; i < names.length; i++) labels[names[i]!] = values[i]!;
  return labels;
}

/** Metrics whose values the edge keeps itself; the answer puts one sample into them. */
function registerSampled(registry: Registry): (now: EdgeSample) => void {
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const open = gauge('sallyport_connections_open', 'Open connections.');
  const held = gauge('sallyport_tarpits_held', 'Connections held in a tarpit.');
  const handshakes = gauge('sallyport_handshakes_open', 'TLS handshakes under way.');
  const stall = gauge(
    'sallyport_loop_stall_seconds',
    'Longest time that the loop of a worker stood still in the last five seconds.',
  );
  const puzzles = gauge('sallyport_puzzles_waiting', 'Handshakes that wait for the solution of a puzzle.');
  const workers = gauge('sallyport_workers', 'Edge workers; 0: everything runs on the main loop.');
  const queued = gauge('sallyport_audit_queue_lines', 'Audit lines that wait for the disk.');
  const epoch = gauge('sallyport_policy_epoch', 'Grows by one with every policy that was activated.');
  const info = new Gauge({
    name: 'sallyport_policy_info',
    help: 'The active policy image.',
    labelNames: ['image'],
    registers,
  });
  const evicted = new Counter({
    name: 'sallyport_tarpits_evicted_total',
    help: 'Held connections that had to make room for others.',
    registers,
  });
  const modes = new Gauge({
    name: 'sallyport_mode_state',
    help: 'States of modes: 1 for the one that the mode is in.',
    labelNames: ['mode', 'state'],
    registers,
  });
  const restarts = new Counter({
    name: 'sallyport_worker_restarts_total',
    help: 'Edge workers that were replaced.',
    registers,
  });
  const ofTable = { labelNames: ['table'] as const, registers };
  const slots = new Gauge({ name: 'sallyport_table_slots', help: 'Size of a shared table.', ...ofTable });
  const used = new Gauge({
    name: 'sallyport_table_slots_used',
    help: 'Slots of a shared table that hold an entry, expired ones that nothing replaced yet included.',
    ...ofTable,
  });
  const evictions = new Counter({
    name: 'sallyport_table_evictions_total',
    help: 'Entries that made room for others in a full shared table.',
    ...ofTable,
  });
  const lost = new Counter({
    name: 'sallyport_table_lost_total',
    help: 'Entries that could not be made in a shared table because a thread held it up.',
    ...ofTable,
  });
  const auditLines = new Counter({
    name: 'sallyport_audit_lines_total',
    help: 'Audit lines, written or lost.',
    labelNames: ['result'],
    registers,
  });
  const ofFeed = (name: string, help: string): Gauge<'feed'> =>
    new Gauge({ name, help, labelNames: ['feed'], registers });
  const entries = ofFeed(
    'sallyport_feed_entries',
    'Members of the last good copy of a feed that is fetched.',
  );
  const age = ofFeed('sallyport_feed_age_seconds', 'Since a feed was last fetched or confirmed.');
  const failures = ofFeed('sallyport_feed_failures', 'Failed refreshes of a feed since the last good one.');
  const refreshes = new Counter({
    name: 'sallyport_feed_refreshes_total',
    help: 'Refreshes of feeds, by result.',
    labelNames: ['feed', 'result'],
    registers,
  });
  const sampleDatabases = registerDatabases(registry);
  const sampleOcsp = registerOcsp(registry);
  const sampleDnsLists = registerDnsLists(registry);
  const sampleBots = registerBots(registry);
  return (now) => {
    sampleDatabases(now.databases);
    sampleOcsp(now.staples, now.ocsp);
    modes.reset();
    for (const { name, states, state } of now.modes) {
      for (const each of states) modes.set({ mode: name, state: each }, each === state ? 1 : 0);
    }
    sampleDnsLists(now.dnsLists);
    sampleBots(now.bots);
    for (const metric of [entries, age, failures, refreshes]) metric.reset();
    for (const { feed, entries: count, ageMs, failures: failed, results } of now.feeds) {
      entries.set({ feed }, count);
      if (ageMs !== null) age.set({ feed }, ageMs / 1_000);
      failures.set({ feed }, failed);
      for (const [result, total] of Object.entries(results)) refreshes.inc({ feed, result }, total);
    }
    open.set(now.connections);
    held.set(now.held);
    evicted.reset();
    evicted.inc(now.evictedTarpits);
    handshakes.set(now.handshakes);
    stall.set(now.stallUs / 1e6);
    puzzles.set(now.waitingPuzzles);
    workers.set(now.workers);
    queued.set(now.audit.queued);
    info.reset();
    if (now.policy !== null) {
      epoch.set(now.policy.epoch);
      info.set({ image: now.policy.imageId }, 1);
    }
    restarts.reset();
    restarts.inc(now.workerRestarts);
    evictions.reset();
    lost.reset();
    for (const state of now.tables) {
      const { table } = state;
      slots.set({ table }, state.slots);
      used.set({ table }, state.used);
      evictions.inc({ table }, state.evictions);
      lost.inc({ table }, state.lost);
    }
    auditLines.reset();
    auditLines.inc({ result: 'written' }, now.audit.written);
    auditLines.inc({ result: 'lost' }, now.audit.lost);
  };
}

function registerDnsLists(registry: Registry): (lists: readonly DnsListHealth[]) => void {
  const registers = [registry];
  const good = new Gauge({
    name: 'sallyport_dns_list_good',
    help: '1 while the answers of a DNS list are used.',
    labelNames: ['feed'],
    registers,
  });
  const queries = new Counter({
    name: 'sallyport_dns_list_queries_total',
    help: 'Questions to DNS lists, by answer.',
    labelNames: ['feed', 'result'],
    registers,
  });
  return (lists) => {
    for (const metric of [good, queries]) metric.reset();
    for (const { feed, problem, results } of lists) {
      good.set({ feed }, problem === null ? 1 : 0);
      for (const [result, total] of Object.entries(results)) queries.inc({ feed, result }, total);
    }
  };
}

function registerBots(registry: Registry): (bots: BotCounts) => void {
  const lookups = new Counter({
    name: 'sallyport_bot_lookups_total',
    help: 'Crawlers that were looked up in DNS, by what came of it.',
    labelNames: ['result'],
    registers: [registry],
  });
  return (bots) => {
    lookups.reset();
    for (const [result, total] of Object.entries(bots)) lookups.inc({ result }, total);
  };
}
