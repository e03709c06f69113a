/** What a person who watches the edge is told of one connection that ended: the gist of its audit line. */
import type { ConnectionRecord } from './record.ts';

export interface ConnectionBrief {
  readonly type: 'connection';
  /** When it was accepted, ISO 8601. */
  readonly time: string;
  readonly id: string;
  readonly ip: string;
  readonly listener: string;
  readonly sni: string | null;
  readonly ja4: string | null;
  /** System and program, by the SYN and the ClientHello. */
  readonly os: string | null;
  readonly client: string | null;
  readonly site: string | null;
  readonly policy: string | null;
  readonly action: string | null;
  readonly outcome: string;
  /** What kind of rule decided. */
  readonly tier: string | null;
  readonly alert: string | null;
  /** 0 (good) to 100 (bad). */
  readonly score: number | null;
  readonly matched: readonly string[];
  readonly challenge: string | null;
  readonly error: string | null;
  readonly tls: string | null;
  readonly requests: number | null;
  readonly duration_ms: number;
}

export function briefOf(record: ConnectionRecord): ConnectionBrief {
  const { hello, challenge, tls, http } = record;
  return {
    type: 'connection',
    time: new Date(record.startedAtMs).toISOString(),
    id: record.id,
    ip: record.clientIp,
    listener: record.listener,
    sni: hello?.sni ?? null,
    ja4: hello?.ja4 ?? null,
    os: record.stack?.os ?? null,
    client: record.tlsClient?.name ?? null,
    site: record.site,
    policy: record.policy,
    action: record.action,
    outcome: record.outcome,
    tier: record.tier,
    alert: record.alert,
    score: record.score,
    matched: record.matched,
    challenge: challenge?.outcome ?? null,
    error: record.error,
    tls: tls?.version ?? null,
    requests: http?.requests ?? null,
    duration_ms: Math.round(record.durationsUs.total / 1_000),
  };
}
