/**
 * The edge's Prometheus metrics, on the main thread. Counters and histograms come from the records of
 * connections that ended; gauges are asked for at each scrape. Labels hold names from the operator's
 * own files and fixed lists only: never an address, a server name, a fingerprint or a User-Agent.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ConnectionRecord } from '../audit/record.ts';
import type { FeedHealth } from '../intel/refresher.ts';
import type { TableState } from '../orchestrator/shared-tables.ts';

/** What a scrape asks the edge for. Totals count from the start of the process. */
export interface EdgeSample {
  readonly openConnections: number;
  readonly heldTarpits: number;
  readonly workers: number;
  readonly workerRestarts: number;
  /** How full the shared tables are. */
  readonly tables: readonly TableState[];
  readonly audit: { readonly written: number; readonly lost: number; readonly queued: number };
  /** Feeds that are fetched. */
  readonly feeds: readonly FeedHealth[];
  /** The active policy; null before the first. */
  readonly policy: { readonly imageId: string; readonly epoch: number } | null;
}

export interface Metrics {
  /** The Prometheus text page with a fresh sample, and its content type. */
  render(): Promise<{ readonly body: string; readonly contentType: string }>;
  /** Folds one ended connection in. */
  observeRecord(record: ConnectionRecord): void;
  observeReload(result: 'ok' | 'refused'): void;
}

const SECONDS = [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01];
const HANDSHAKE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SCORES = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
const HELLO_BYTES = [256, 512, 768, 1_024, 1_536, 2_048, 4_096, 8_192, 16_384];

/** `sample` is called once per rendering. */
export function createMetrics(sample: () => EdgeSample): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const refresh = registerSampled(registry);
  const registers = [registry];

  const connections = new Counter({
    name: 'sallyport_connections_total',
    help: 'Connections that ended, by how.',
    labelNames: ['listener', 'outcome'],
    registers,
  });
  const hellos = new Counter({
    name: 'sallyport_hellos_total',
    help: 'ClientHellos looked at, by the status of the parser.',
    labelNames: ['status'],
    registers,
  });
  const helloBytes = new Histogram({
    name: 'sallyport_hello_bytes',
    help: 'Size of complete ClientHellos.',
    buckets: HELLO_BYTES,
    registers,
  });
  const decisions = new Counter({
    name: 'sallyport_decisions_total',
    help: 'Decisions by site, policy, action and the tier of the rules that decided.',
    labelNames: ['site', 'policy', 'action', 'tier'],
    registers,
  });
  const canaries = new Counter({
    name: 'sallyport_canary_decisions_total',
    help: 'Decisions by canary, the side of it that the connection was on, and the action.',
    labelNames: ['canary', 'arm', 'action'],
    registers,
  });
  const wouldMatch = new Counter({
    name: 'sallyport_would_match_total',
    help: 'Decisions in which a rule or signal in shadow held.',
    labelNames: ['site', 'name'],
    registers,
  });
  const wouldDecide = new Counter({
    name: 'sallyport_would_decide_total',
    help: 'What would have been decided with everything in shadow in force, and whether the action or policy differs.',
    labelNames: ['site', 'policy', 'action', 'tier', 'differs'],
    registers,
  });
  const scores = new Histogram({
    name: 'sallyport_score',
    help: 'Risk scores, 0 (good) to 100 (bad).',
    buckets: SCORES,
    registers,
  });
  const decisionSeconds = new Histogram({
    name: 'sallyport_decision_duration_seconds',
    help: 'Time to decide on a parsed ClientHello.',
    buckets: SECONDS,
    registers,
  });
  const handshakeSeconds = new Histogram({
    name: 'sallyport_handshake_duration_seconds',
    help: 'Time from accept to the end of the TLS handshake.',
    labelNames: ['version', 'resumed'],
    buckets: HANDSHAKE_SECONDS,
    registers,
  });
  const challenges = new Counter({
    name: 'sallyport_challenges_total',
    help: 'Connections that met a challenge, by its outcome.',
    labelNames: ['challenge', 'outcome'],
    registers,
  });
  const requests = new Counter({ name: 'sallyport_requests_total', help: 'HTTP requests.', registers });
  const bytes = new Counter({
    name: 'sallyport_bytes_total',
    help: 'Bytes inside TLS, seen from the edge.',
    labelNames: ['direction'],
    registers,
  });
  const reloads = new Counter({
    name: 'sallyport_policy_reloads_total',
    help: 'Policy reloads, by result.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['ok', 'refused']) reloads.inc({ result }, 0);

  function observeStages(record: ConnectionRecord, action: string): void {
    const site = record.site ?? 'none';
    for (const { name, arm } of record.canaries) canaries.inc({ canary: name, arm, action });
    for (const name of record.wouldMatch) wouldMatch.inc({ site, name });
    const { shadow } = record;
    if (shadow === null) return;
    const differs = String(shadow.action !== action || shadow.policy !== record.policy);
    wouldDecide.inc({
      site,
      policy: shadow.policy ?? 'none',
      action: shadow.action,
      tier: shadow.tier,
      differs,
    });
  }

  return {
    render: async () => {
      refresh(sample());
      return { body: await registry.metrics(), contentType: registry.contentType };
    },
    observeRecord: (record) => {
      connections.inc({ listener: record.listener, outcome: record.outcome });
      if (record.helloStatus !== null) hellos.inc({ status: record.helloStatus });
      if (record.hello !== null) helloBytes.observe(record.hello.bytes);
      if (record.action !== null) {
        const { site, policy, action, tier } = record;
        decisions.inc({ site: site ?? 'none', policy: policy ?? 'none', action, tier: tier ?? 'none' });
        observeStages(record, action);
      }
      if (record.score !== null) scores.observe(record.score);
      const { decide, handshake } = record.durationsUs;
      if (decide !== null) decisionSeconds.observe(decide / 1e6);
      if (handshake !== null && record.tls !== null) {
        const { version, resumed } = record.tls;
        handshakeSeconds.observe({ version, resumed: String(resumed) }, handshake / 1e6);
      }
      if (record.challenge !== null) {
        challenges.inc({ challenge: record.challenge.name, outcome: record.challenge.outcome });
      }
      if (record.http !== null) requests.inc(record.http.requests);
      bytes.inc({ direction: 'in' }, record.bytesIn);
      bytes.inc({ direction: 'out' }, record.bytesOut);
    },
    observeReload: (result) => reloads.inc({ result }),
  };
}

/** Metrics whose values the edge keeps itself; the answer puts one sample into them. */
function registerSampled(registry: Registry): (now: EdgeSample) => void {
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const open = gauge('sallyport_connections_open', 'Open connections.');
  const held = gauge('sallyport_tarpits_held', 'Connections held in a tarpit.');
  const workers = gauge('sallyport_workers', 'Edge workers; 0: everything runs on the main loop.');
  const queued = gauge('sallyport_audit_queue_lines', 'Audit lines that wait for the disk.');
  const epoch = gauge('sallyport_policy_epoch', 'Grows by one with every policy that was activated.');
  const info = new Gauge({
    name: 'sallyport_policy_info',
    help: 'The active policy image.',
    labelNames: ['image'],
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
  return (now) => {
    for (const metric of [entries, age, failures, refreshes]) metric.reset();
    for (const { feed, entries: count, ageMs, failures: failed, results } of now.feeds) {
      entries.set({ feed }, count);
      if (ageMs !== null) age.set({ feed }, ageMs / 1_000);
      failures.set({ feed }, failed);
      for (const [result, total] of Object.entries(results)) refreshes.inc({ feed, result }, total);
    }
    open.set(now.openConnections);
    held.set(now.heldTarpits);
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
