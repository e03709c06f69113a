/**
 * The shape of a loaded configuration and the default and bounds of every setting.
 * `config.schema.json` says the same of the file; a test keeps the two alike.
 */

/** A scalar setting. Durations are written `500ms`, `5s`, `2m`, `1h` and kept in milliseconds. */
export interface Setting {
  readonly kind: 'count' | 'bytes' | 'duration';
  readonly default: number;
  /** Inclusive bounds, in the unit the value is kept in. */
  readonly min: number;
  readonly max: number;
}

const count = (value: number, min: number, max: number): Setting => ({
  kind: 'count',
  default: value,
  min,
  max,
});
const bytes = (value: number, min: number, max: number): Setting => ({
  kind: 'bytes',
  default: value,
  min,
  max,
});
const duration = (ms: number, min: number, max: number): Setting => ({
  kind: 'duration',
  default: ms,
  min,
  max,
});

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Every key of `limits`. */
export const LIMIT_SETTINGS = {
  /** Open connections of the whole process. */
  connections: count(20_000, 1, 1_000_000),
  connectionsPerWorker: count(10_000, 1, 1_000_000),
  /** TLS handshakes under way in one worker. */
  handshakesPerWorker: count(2_000, 1, 100_000),
  /** Connections one worker holds in a tarpit; one more is reset. */
  tarpits: count(256, 0, 100_000),
  /** Pending connections the kernel queues for each listening socket. */
  backlog: count(1_024, 1, 65_535),
  /** A longer ClientHello is refused before OpenSSL sees it. */
  helloBytes: bytes(16_384, 512, 65_536),
  /** Counted from accept; no byte resets it. */
  helloTimeout: duration(5 * SECOND, 100, MINUTE),
  /** Counted from accept, to the end of the TLS handshake. */
  handshakeTimeout: duration(10 * SECOND, 100, 2 * MINUTE),
  /** Whole header of one HTTP request. */
  headerTimeout: duration(10 * SECOND, 100, 5 * MINUTE),
  /** Whole HTTP request, body included. */
  requestTimeout: duration(5 * MINUTE, SECOND, 24 * HOUR),
  /** No byte either way. */
  idleTimeout: duration(75 * SECOND, SECOND, 24 * HOUR),
  headerBytes: bytes(16_384, 1_024, 131_072),
  /** Concurrent HTTP/2 streams of one connection. */
  streams: count(100, 1, 10_000),
  requestsPerConnection: count(10_000, 1, 10_000_000),
  /** From the signal to the moment what is still open is closed. */
  drainTimeout: duration(30 * SECOND, 0, HOUR),
  /** Slots of the shared tables; the oldest entry of a full set makes room. */
  rateSlots: count(65_536, 1_024, 16_777_216),
  bucketSlots: count(65_536, 1_024, 16_777_216),
  clearanceSlots: count(65_536, 1_024, 16_777_216),
  /** Audit lines that wait for the disk; one more is lost and counted. */
  auditQueue: count(65_536, 1, 1_048_576),
} as const satisfies Record<string, Setting>;

/** Every scalar key of an `http` upstream. */
export const HTTP_UPSTREAM_SETTINGS = {
  connectTimeout: duration(5 * SECOND, 10, 5 * MINUTE),
  headersTimeout: duration(30 * SECOND, 10, HOUR),
  /** No byte of the response's body. */
  bodyTimeout: duration(MINUTE, 10, 24 * HOUR),
  /** An unused connection to the upstream is closed after this. */
  keepAlive: duration(4 * SECOND, 1, 10 * MINUTE),
  /** Connections one worker opens to the upstream. */
  connections: count(128, 1, 10_000),
} as const satisfies Record<string, Setting>;

/** Every scalar key of a `tcp` upstream. */
export const TCP_UPSTREAM_SETTINGS = {
  connectTimeout: duration(5 * SECOND, 10, 5 * MINUTE),
  idleTimeout: duration(5 * MINUTE, SECOND, 24 * HOUR),
} as const satisfies Record<string, Setting>;

/** Every key of `headers`: the request headers an HTTP upstream gets. An empty name sends none. */
export const HEADER_DEFAULTS = {
  score: 'X-Sallyport-Score',
  policy: 'X-Sallyport-Policy',
  decision: 'X-Sallyport-Decision',
  ja4: 'X-JA4-Fingerprint',
  ja3: 'X-JA3-Fingerprint',
  requestId: 'X-Request-Id',
} as const;

export type LimitsConfig = { readonly [K in keyof typeof LIMIT_SETTINGS]: number };
export type HeadersConfig = { readonly [K in keyof typeof HEADER_DEFAULTS]: string };

/** Where to listen. `host` is an IP literal or a name, without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ListenerConfig {
  /** The name that `listen` uses in a policy. */
  readonly name: string;
  readonly address: Address;
  /** Names in `Config.certificates`; the first serves names that none covers. */
  readonly certificates: readonly string[];
  /** Name in `Config.upstreams`. */
  readonly upstream: string;
  /** The kernel wakes the edge only once the client has sent bytes. */
  readonly deferAccept: boolean;
  /** ALPN protocols offered, most wanted first; empty: none. */
  readonly alpn: readonly string[];
}

/** Absolute paths of PEM files; `certificate` holds the chain, leaf first. */
export interface CertificateConfig {
  readonly certificate: string;
  readonly key: string;
}

export type HttpUpstreamConfig = {
  readonly protocol: 'http';
  /** `http://host:port` or `https://host:port`, without a path. */
  readonly url: string;
  /** Absolute path of the PEM certificates that an `https` upstream is checked against; null: the system's. */
  readonly ca: string | null;
} & { readonly [K in keyof typeof HTTP_UPSTREAM_SETTINGS]: number };

export type TcpUpstreamConfig = {
  readonly protocol: 'tcp';
  readonly address: Address;
  /** Send a PROXY protocol v2 header first. */
  readonly proxyProtocol: boolean;
} & { readonly [K in keyof typeof TCP_UPSTREAM_SETTINGS]: number };

export type UpstreamConfig = HttpUpstreamConfig | TcpUpstreamConfig;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** A loaded configuration: every default filled in, paths absolute, durations in milliseconds. Plain data. */
export interface Config {
  /** The file it came from. */
  readonly file: string;
  readonly policy: string;
  /** Edge workers; 0: everything on the main loop. */
  readonly threads: number;
  readonly listeners: readonly ListenerConfig[];
  readonly certificates: Readonly<Record<string, CertificateConfig>>;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly limits: LimitsConfig;
  /** Lowest version any policy may offer, as on the wire (0x0303). */
  readonly tls: { readonly minVersion: number };
  readonly headers: HeadersConfig;
  /** Null: no admin API. `tokenFile` is made at start when it is missing. */
  readonly admin: { readonly address: Address; readonly tokenFile: string } | null;
  /** Null: no metrics and health server. */
  readonly metrics: { readonly address: Address } | null;
  /** `file` is a path or `-` for stdout; null: no audit log. */
  readonly audit: { readonly file: string } | null;
  readonly log: { readonly level: LogLevel };
}

/** Largest value of `threads`. */
export const MAX_THREADS = 256;
export const DEFAULT_ADMIN_ADDRESS = '127.0.0.1:9443';
export const DEFAULT_METRICS_ADDRESS = '127.0.0.1:9090';
export const DEFAULT_AUDIT_FILE = 'audit.jsonl';
export const DEFAULT_TOKEN_FILE = '.sallyport/admin.token';
export const DEFAULT_POLICY_FILE = 'policy.pdl';
