/** What is known about one connection when it ends: the source of its one audit line. */

import type { CertificateAttributes } from '../identity/attributes.ts';
import type { CanaryArm } from '../orchestrator/canaries.ts';
import type { NegotiatedNames } from '../orchestrator/negotiated.ts';
import type { ShadowDecision, Verdict } from '../orchestrator/verdict.ts';
import type { Policy } from '../pdl/ir.ts';
import { type Origin, UNKNOWN_ORIGIN } from '../profile/address/origins.ts';
import type { ClientMatch } from '../profile/client-matcher.ts';
import type { StackMatch } from '../profile/stack-matcher.ts';
import type { RecordedFacts } from './profile.ts';

/** How a connection ended. */
export type Outcome =
  | 'served'
  | 'passed_through'
  | 'refused'
  | 'reset'
  | 'dropped'
  | 'tarpitted'
  | 'limited'
  | 'hello_timeout'
  | 'hello_invalid'
  | 'hello_too_large'
  | 'not_tls'
  | 'proxy_header_invalid'
  | 'client_closed'
  | 'handshake_failed'
  | 'handshake_timeout'
  | 'handshake_aborted'
  | 'parser_divergence'
  | 'upstream_failed'
  | 'idle_timeout'
  | 'over_capacity'
  | 'worker_lost'
  | 'drained'
  | 'tls_flood'
  | 'engine_error';

/** Every outcome, for metrics and tests. */
export const OUTCOMES: readonly Outcome[] = [
  'served',
  'passed_through',
  'refused',
  'reset',
  'dropped',
  'tarpitted',
  'limited',
  'hello_timeout',
  'hello_invalid',
  'hello_too_large',
  'not_tls',
  'proxy_header_invalid',
  'client_closed',
  'handshake_failed',
  'handshake_timeout',
  'handshake_aborted',
  'parser_divergence',
  'upstream_failed',
  'idle_timeout',
  'over_capacity',
  'worker_lost',
  'drained',
  'tls_flood',
  'engine_error',
];

/** Facts, decision and end of one connection. Times are milliseconds since the epoch, durations microseconds. */
export interface ConnectionRecord {
  readonly id: string;
  readonly listener: string;
  /** Slot of the worker that carried the connection; 0 when everything runs on the main loop. */
  readonly worker: number;
  readonly startedAtMs: number;
  clientIp: string;
  clientPort: number;
  /** Where the address is from. */
  origin: Origin;
  /** A proxy in front named the client; its address, or null. */
  proxyIp: string | null;
  /** p0f-style text of the SYN, null when the kernel did not save it. */
  syn: string | null;
  /** What the SYN tells of its sender. */
  stack: StackMatch | null;
  /** What the ClientHello tells of it. */
  tlsClient: ClientMatch | null;
  rttUs: number | null;
  hello: {
    bytes: number;
    records: number;
    sni: string | null;
    alpn: readonly string[];
    ja3Hash: string;
    ja4: string;
    /** As on the wire: 0x0303, 0x0304. */
    maxVersion: number;
  } | null;
  /** Null when no bytes were looked at, `complete`, or the name of a parser status. */
  helloStatus: string | null;
  site: string | null;
  policy: string | null;
  action: string | null;
  /** IANA name of the alert sent, when one was. */
  alert: string | null;
  tier: string | null;
  /** 0 (good) to 100 (bad). */
  score: number | null;
  parts: readonly { readonly name: string; readonly group: string | null; readonly points: number }[];
  /** All that was known at the decision, where `audit.facts` asks for it. */
  facts: RecordedFacts | null;
  /** Names of the rules and signals that held. */
  matched: readonly string[];
  /** Names of the shadow rules and signals that held. */
  wouldMatch: readonly string[];
  /** What would have been decided with everything in shadow in force; null without any. */
  shadow: ShadowDecision | null;
  /** The arm of each canary of the site. */
  canaries: readonly CanaryArm[];
  /** What of the policy's connections is audited; null: all. */
  log: Policy['log'] | null;
  challenge: { name: string; outcome: 'posed' | 'solved' | 'cleared' | 'failed' } | null;
  imageId: string | null;
  epoch: number;
  /** What a verified certificate of the client says; null without one. */
  certificate: CertificateAttributes | null;
  /** Null when no handshake came to its end. */
  tls: NegotiatedNames | null;
  http: HttpRecord | null;
  upstream: string | null;
  bytesIn: number;
  bytesOut: number;
  outcome: Outcome;
  error: string | null;
  durationsUs: { hello: number | null; decide: number | null; handshake: number | null; total: number };
}

/** What the requests of a connection came to. */
export interface HttpRecord {
  requests: number;
  /** Those that met a challenge. */
  challenged: number;
  /** The User-Agent of the first request that was judged, cut at 512 characters. */
  userAgent: string | null;
  /** Akamai's text; null for HTTP/1.1 and where the policy does not ask for it. */
  h2: string | null;
  /** Did a request contradict the SYN, or the ClientHello? Null: none was judged. */
  osMismatch: boolean | null;
  toolMismatch: boolean | null;
}

/** What is known of a connection at accept. */
export type RecordStart = Pick<
  ConnectionRecord,
  | 'id'
  | 'listener'
  | 'worker'
  | 'startedAtMs'
  | 'clientIp'
  | 'clientPort'
  | 'rttUs'
  | 'imageId'
  | 'epoch'
  | 'outcome'
>;

/** A record of a connection of which nothing more is known yet. */
export function startRecord(start: RecordStart): ConnectionRecord {
  return {
    ...start,
    origin: UNKNOWN_ORIGIN,
    proxyIp: null,
    syn: null,
    stack: null,
    tlsClient: null,
    hello: null,
    helloStatus: null,
    site: null,
    policy: null,
    action: null,
    alert: null,
    tier: null,
    score: null,
    parts: [],
    facts: null,
    matched: [],
    wouldMatch: [],
    shadow: null,
    canaries: [],
    log: null,
    challenge: null,
    tls: null,
    certificate: null,
    http: null,
    upstream: null,
    bytesIn: 0,
    bytesOut: 0,
    error: null,
    durationsUs: { hello: null, decide: null, handshake: null, total: 0 },
  };
}

/** Was a client served to the end of its connection, and did it meet what it was challenged with? */
export function wasServedWell({ outcome, challenge }: ConnectionRecord): boolean {
  return outcome === 'served' && (challenge === null || ['solved', 'cleared'].includes(challenge.outcome));
}

/** Writes into a record what was decided, in the place of an earlier decision. */
export function recordVerdict(record: ConnectionRecord, verdict: Verdict): void {
  record.site = verdict.site;
  record.policy = verdict.policy?.name ?? null;
  record.action = verdict.action.action;
  record.tier = verdict.tier;
  record.score = verdict.score;
  record.parts = verdict.parts;
  record.matched = verdict.matched;
  record.wouldMatch = verdict.wouldMatch;
  record.shadow = verdict.shadow;
  record.canaries = verdict.canaries;
  record.log = verdict.policy?.log ?? null;
}
