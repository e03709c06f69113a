/**
 * What is counted of a connection that ended. Labels hold names from the operator's own files and fixed lists
 * only: never an address, a server name, a fingerprint or a User-Agent.
 */
import type { ConnectionRecord } from '../audit/record.ts';
import { isAudited } from '../audit/selection.ts';

export type CounterName =
  | 'connections'
  | 'hellos'
  | 'tlsClients'
  | 'mismatches'
  | 'decisions'
  | 'canaries'
  | 'wouldMatch'
  | 'wouldDecide'
  | 'challenges'
  | 'requests'
  | 'bytes'
  | 'auditSkipped';
export type HistogramName = 'helloBytes' | 'scores' | 'decisionSeconds' | 'handshakeSeconds';

interface About {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export const COUNTERS: Readonly<Record<CounterName, About>> = {
  connections: {
    name: 'sallyport_connections_total',
    help: 'Connections that ended, by how.',
    labels: ['listener', 'outcome'],
  },
  hellos: {
    name: 'sallyport_hellos_total',
    help: 'ClientHellos looked at, by the status of the parser.',
    labels: ['status'],
  },
  tlsClients: {
    name: 'sallyport_tls_clients_total',
    help: 'ClientHellos that were read, by the kind of program that the table of TLS clients names.',
    labels: ['kind'],
  },
  mismatches: {
    name: 'sallyport_mismatches_total',
    help: 'Connections with a User-Agent that contradicts the SYN or the ClientHello.',
    labels: ['what'],
  },
  decisions: {
    name: 'sallyport_decisions_total',
    help: 'Decisions by site, policy, action and the tier of the rules that decided.',
    labels: ['site', 'policy', 'action', 'tier'],
  },
  canaries: {
    name: 'sallyport_canary_decisions_total',
    help: 'Decisions by canary, the side of it that the connection was on, and the action.',
    labels: ['canary', 'arm', 'action'],
  },
  wouldMatch: {
    name: 'sallyport_would_match_total',
    help: 'Decisions in which a rule or signal in shadow held.',
    labels: ['site', 'name'],
  },
  wouldDecide: {
    name: 'sallyport_would_decide_total',
    help: 'What would have been decided with everything in shadow in force, and whether the action or policy differs.',
    labels: ['site', 'policy', 'action', 'tier', 'differs'],
  },
  challenges: {
    name: 'sallyport_challenges_total',
    help: 'Connections that met a challenge, by its outcome.',
    labels: ['challenge', 'outcome'],
  },
  requests: { name: 'sallyport_requests_total', help: 'HTTP requests.', labels: [] },
  bytes: {
    name: 'sallyport_bytes_total',
    help: 'Bytes inside TLS, seen from the edge.',
    labels: ['direction'],
  },
  auditSkipped: {
    name: 'sallyport_audit_skipped_total',
    help: 'Connections that the `log` of their policy left out of the audit log.',
    labels: ['policy'],
  },
};

export const HISTOGRAMS: Readonly<Record<HistogramName, About & { readonly buckets: number[] }>> = {
  helloBytes: {
    name: 'sallyport_hello_bytes',
    help: 'Size of complete ClientHellos.',
    labels: [],
    buckets: [256, 512, 768, 1_024, 1_536, 2_048, 4_096, 8_192, 16_384],
  },
  scores: {
    name: 'sallyport_score',
    help: 'Risk scores, 0 (good) to 100 (bad).',
    labels: [],
    buckets: [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
  },
  decisionSeconds: {
    name: 'sallyport_decision_duration_seconds',
    help: 'Time to decide on a parsed ClientHello.',
    labels: [],
    buckets: [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01],
  },
  handshakeSeconds: {
    name: 'sallyport_handshake_duration_seconds',
    help: 'Time from accept to the end of the TLS handshake.',
    labels: ['version', 'resumed'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
};

/** What takes the counts: labels are in the order of the metric's `labels`. */
export interface Meter {
  count(metric: CounterName, by: number, ...labels: string[]): void;
  observe(metric: HistogramName, value: number, ...labels: string[]): void;
}

/** Counts one ended connection. */
export function meterRecord(record: ConnectionRecord, meter: Meter): void {
  meter.count('connections', 1, record.listener, record.outcome);
  if (record.helloStatus !== null) meter.count('hellos', 1, record.helloStatus);
  if (record.hello !== null) {
    meter.observe('helloBytes', record.hello.bytes);
    meter.count('tlsClients', 1, record.tlsClient?.kind ?? 'unknown');
  }
  if (record.action !== null) {
    meter.count(
      'decisions',
      1,
      record.site ?? 'none',
      record.policy ?? 'none',
      record.action,
      record.tier ?? 'none',
    );
    meterStages(record, record.action, meter);
  }
  if (record.score !== null) meter.observe('scores', record.score);
  const { decide, handshake } = record.durationsUs;
  if (decide !== null) meter.observe('decisionSeconds', decide / 1e6);
  if (handshake !== null && record.tls !== null) {
    const { version, resumed } = record.tls;
    meter.observe('handshakeSeconds', handshake / 1e6, version, String(resumed));
  }
  if (record.challenge !== null)
    meter.count('challenges', 1, record.challenge.name, record.challenge.outcome);
  if (record.http !== null) {
    meter.count('requests', record.http.requests);
    if (record.http.osMismatch === true) meter.count('mismatches', 1, 'syn');
    if (record.http.toolMismatch === true) meter.count('mismatches', 1, 'hello');
  }
  if (!isAudited(record)) meter.count('auditSkipped', 1, record.policy ?? 'none');
  if (record.bytesIn > 0) meter.count('bytes', record.bytesIn, 'in');
  if (record.bytesOut > 0) meter.count('bytes', record.bytesOut, 'out');
}

function meterStages(record: ConnectionRecord, action: string, meter: Meter): void {
  const site = record.site ?? 'none';
  for (const { name, arm } of record.canaries) meter.count('canaries', 1, name, arm, action);
  for (const name of record.wouldMatch) meter.count('wouldMatch', 1, site, name);
  const { shadow } = record;
  if (shadow === null) return;
  const differs = String(shadow.action !== action || shadow.policy !== record.policy);
  meter.count('wouldDecide', 1, site, shadow.policy ?? 'none', shadow.action, shadow.tier, differs);
}
