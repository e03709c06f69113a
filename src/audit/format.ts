/** One audit line: a connection's record under ECS field names, ours under `sallyport`. */
import type { ConnectionRecord, HttpRecord, Outcome } from './record.ts';

const ECS_VERSION = '8.17.0';

/** A connection that had been let in and was closed once its policy's `idle` was over did what it came for. */
const ALLOWED: ReadonlySet<Outcome> = new Set(['served', 'passed_through', 'idle_timeout']);
const DENIED: ReadonlySet<Outcome> = new Set(['refused', 'reset', 'dropped', 'tarpitted', 'limited']);

/**
 * The record as one JSON object without a line break. Every connection has the same keys; what is not
 * known is null. `event.duration` is nanoseconds (ECS), our own durations microseconds, scores run
 * from 0 (good) to 100 (bad).
 */
export function formatRecord(record: ConnectionRecord): string {
  const { hello, tls } = record;
  return JSON.stringify({
    '@timestamp': new Date(record.startedAtMs).toISOString(),
    ecs: { version: ECS_VERSION },
    event: {
      id: record.id,
      kind: 'event',
      category: ['network'],
      type: ['connection', verdictType(record.outcome)],
      action: record.outcome,
      outcome: ALLOWED.has(record.outcome) ? 'success' : 'failure',
      duration: record.durationsUs.total * 1_000,
    },
    source: {
      ip: record.clientIp,
      port: record.clientPort,
      bytes: record.bytesIn,
      geo: { country_iso_code: record.origin.country },
      as: { number: record.origin.asn, organization: { name: record.origin.organization } },
    },
    destination: { bytes: record.bytesOut },
    error: { message: record.error },
    tls: {
      established: tls !== null,
      version: tls?.version.replace(/^TLSv/, '') ?? null,
      version_protocol: tls === null ? null : 'tls',
      cipher: tls?.cipher ?? null,
      curve: tls?.group ?? null,
      resumed: tls?.resumed ?? null,
      next_protocol: tls?.alpn ?? null,
      client: {
        server_name: hello?.sni ?? null,
        ja3: hello?.ja3Hash ?? null,
        ...certificateFields(record),
      },
    },
    user_agent: { original: record.http?.userAgent ?? null },
    rule: { name: record.policy, ruleset: record.site, version: record.imageId },
    risk: { calculated_score: record.score },
    sallyport: {
      listener: record.listener,
      worker: record.worker,
      epoch: record.epoch,
      action: record.action,
      tier: record.tier,
      alert: record.alert,
      parts: record.parts,
      matched: record.matched,
      facts: record.facts,
      canary: record.canaries,
      would_match: record.wouldMatch,
      would_decide: record.shadow,
      challenge: record.challenge,
      certificate: tls?.certificate ?? null,
      hello: {
        status: record.helloStatus,
        ja4: hello?.ja4 ?? null,
        alpn: hello?.alpn ?? null,
        max_version: hello?.maxVersion ?? null,
        bytes: hello?.bytes ?? null,
        records: hello?.records ?? null,
        client: record.tlsClient?.name ?? null,
        client_kind: record.tlsClient?.kind ?? null,
        client_versions: record.tlsClient?.versions ?? null,
        client_match: record.tlsClient?.level ?? null,
      },
      proxy: record.proxyIp,
      syn: record.syn,
      os: record.stack?.os ?? null,
      os_family: record.stack?.family ?? null,
      os_fuzzy: record.stack?.fuzzy ?? null,
      hops: record.stack?.hops ?? null,
      mtu: record.stack?.mtu ?? null,
      link: record.stack?.link ?? null,
      rtt_us: record.rttUs,
      http: formatHttp(record.http),
      upstream: record.upstream,
      durations_us: {
        hello: record.durationsUs.hello,
        decide: record.durationsUs.decide,
        handshake: record.durationsUs.handshake,
      },
    },
  });
}

/** ECS fields of the client's certificate. */
function certificateFields({ certificate }: ConnectionRecord): Readonly<Record<string, unknown>> {
  const time = (ms: number | undefined): string | null =>
    ms === undefined ? null : new Date(ms).toISOString();
  return {
    subject: certificate?.subject ?? null,
    issuer: certificate?.issuer ?? null,
    hash: { sha256: certificate?.fingerprint ?? null },
    not_before: time(certificate?.notBeforeMs),
    not_after: time(certificate?.notAfterMs),
    x509: { serial_number: certificate?.serial ?? null },
  };
}

function formatHttp(http: HttpRecord | null): object | null {
  if (http === null) return null;
  const { requests, challenged, h2, osMismatch, toolMismatch } = http;
  return { requests, challenged, h2, os_mismatch: osMismatch, tool_mismatch: toolMismatch };
}

function verdictType(outcome: Outcome): string {
  if (ALLOWED.has(outcome)) return 'allowed';
  return DENIED.has(outcome) ? 'denied' : 'error';
}
