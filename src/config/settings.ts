/**
 * The default and bounds of every scalar setting. `config.schema.json` says the same of the file's
 * structure; a test keeps the two and docs/operations.md alike.
 */
import { PUZZLE_EXTENSION } from '../challenge/puzzle/wire.ts';
import type { HeadersConfig, HttpUpstreamConfig, LimitsConfig, TcpUpstreamConfig } from './schema.ts';

/** Durations are written `500ms`, `5s`, `2m`, `1h`, `1d` and kept in milliseconds. */
export interface Setting {
  readonly kind: 'count' | 'bytes' | 'duration';
  readonly default: number;
  /** Inclusive bounds, in the unit the value is kept in. */
  readonly min: number;
  readonly max: number;
}

export type Settings<K extends string> = Readonly<Record<K, Setting>>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const LIMIT_SETTINGS: Settings<keyof LimitsConfig> = {
  connections: count(20_000, 1, 1_000_000),
  connectionsPerWorker: count(10_000, 1, 1_000_000),
  handshakes: count(4_000, 1, 1_000_000),
  tarpits: count(256, 0, 100_000),
  puzzlesPerWorker: count(1_024, 1, 100_000),
  backlog: count(1_024, 1, 65_535),
  helloBytes: bytes(16_384, 512, 65_536),
  helloTimeout: duration(5 * SECOND, 100, MINUTE),
  handshakeTimeout: duration(10 * SECOND, 100, 2 * MINUTE),
  headerTimeout: duration(10 * SECOND, 100, 5 * MINUTE),
  requestTimeout: duration(5 * MINUTE, SECOND, 24 * HOUR),
  idleTimeout: duration(75 * SECOND, SECOND, 24 * HOUR),
  headerBytes: bytes(16_384, 1_024, 131_072),
  streams: count(100, 1, 10_000),
  requestsPerConnection: count(10_000, 1, 10_000_000),
  drainTimeout: duration(30 * SECOND, 0, HOUR),
  rateSlots: count(65_536, 1_024, 16_777_216),
  bucketSlots: count(65_536, 1_024, 16_777_216),
  clearanceSlots: count(65_536, 1_024, 16_777_216),
  answerSlots: count(65_536, 1_024, 16_777_216),
  historySlots: count(131_072, 1_024, 16_777_216),
  auditQueue: count(65_536, 1, 1_048_576),
};

export const TLS_SETTINGS: Settings<'tickets' | 'ticketRotation'> = {
  tickets: count(1, 1, 8),
  ticketRotation: duration(12 * HOUR, MINUTE, 7 * 24 * HOUR),
};

export const HTTP_UPSTREAM_SETTINGS: Settings<Scalars<HttpUpstreamConfig>> = {
  connectTimeout: duration(5 * SECOND, 10, 5 * MINUTE),
  headersTimeout: duration(30 * SECOND, 10, HOUR),
  bodyTimeout: duration(MINUTE, 10, 24 * HOUR),
  keepAlive: duration(4 * SECOND, 1, 10 * MINUTE),
  connections: count(128, 1, 10_000),
};

export const TCP_UPSTREAM_SETTINGS: Settings<Scalars<TcpUpstreamConfig>> = {
  connectTimeout: duration(5 * SECOND, 10, 5 * MINUTE),
  idleTimeout: duration(5 * MINUTE, SECOND, 24 * HOUR),
};

export const HISTORY_SETTINGS: Settings<'interval' | 'window'> = {
  interval: duration(MINUTE, SECOND, 24 * HOUR),
  window: duration(24 * HOUR, MINUTE, 30 * 24 * HOUR),
};

export const BOT_SETTINGS: Settings<'refresh' | 'maxAge'> = {
  refresh: duration(HOUR, SECOND, 24 * HOUR),
  maxAge: duration(7 * 24 * HOUR, MINUTE, 365 * 24 * HOUR),
};

/** A number from the range for private use (RFC 8446 section 11). */
export const PUZZLE_EXTENSION_SETTING: Setting = count(PUZZLE_EXTENSION, 0xff00, 0xffff);

/** For one request to a server of feeds. */
export const FEED_TIMEOUT: Setting = duration(30 * SECOND, 100, 10 * MINUTE);

/** For one question to an OCSP responder about a certificate of ours. */
export const OCSP_TIMEOUT: Setting = duration(5 * SECOND, 100, MINUTE);

export const HEADER_DEFAULTS: HeadersConfig = {
  score: 'X-Sallyport-Score',
  policy: 'X-Sallyport-Policy',
  decision: 'X-Sallyport-Decision',
  ja4: 'X-JA4-Fingerprint',
  ja3: 'X-JA3-Fingerprint',
  requestId: 'X-Request-Id',
};

/** Defaults of what is not a scalar with bounds, as written in the file. */
export const DEFAULTS = {
  policy: 'policy.pdl',
  httpAlpn: ['h2', 'http/1.1'],
  minVersion: '1.2',
  adminAddress: '127.0.0.1:9443',
  tokenFile: '.sallyport/admin.token',
  metricsAddress: '127.0.0.1:9090',
  auditFile: 'audit.jsonl',
  feedDirectory: '.sallyport/feeds',
  ocspDirectory: '.sallyport/ocsp',
  historyFile: '.sallyport/history.db',
  maxGoodPercent: 10,
  logLevel: 'info',
} as const;

type Scalars<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T] & string;

function count(value: number, min: number, max: number): Setting {
  return { kind: 'count', default: value, min, max };
}

function bytes(value: number, min: number, max: number): Setting {
  return { kind: 'bytes', default: value, min, max };
}

function duration(value: number, min: number, max: number): Setting {
  return { kind: 'duration', default: value, min, max };
}
