/** The shape of a loaded configuration: plain data, so that it can cross a thread. */

import type { BotSettings } from '../intel/bot-sources.ts';
import type { FeedSettings } from '../intel/settings.ts';
import type { DatabaseFiles } from '../profile/address/load-database.ts';

/** Where to listen or connect. `host` is an IP literal or a name, without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ListenerConfig {
  /** The name that `listen` uses in a policy. */
  readonly name: string;
  readonly address: Address;
  /**
   * Names in `Config.certificates`; the first serves names that none covers. Empty only where everything is passed
   * through.
   */
  readonly certificates: readonly string[];
  /** Name in `Config.upstreams`. */
  readonly upstream: string;
  /** The kernel wakes the edge only once the client has sent bytes. */
  readonly deferAccept: boolean;
  /** Proxies that say in a PROXY header whose connection they bring; null: none. */
  readonly proxyProtocol: { readonly from: readonly string[]; readonly require: boolean } | null;
  /** ALPN protocols offered, most wanted first; empty: none. */
  readonly alpn: readonly string[];
  /**
   * Server names whose TLS is not ended here, and the TCP upstreams (names in `Config.upstreams`) that get it: exact
   * names, `*.` wildcards, and `*` for all others and for clients that name none.
   */
  readonly passthrough: Readonly<Record<string, string>>;
}

/** Absolute paths of PEM files; `certificate` holds the chain, leaf first. */
export interface CertificateConfig {
  readonly certificate: string;
  readonly key: string;
  /** Of the answers that are stapled. */
  readonly ocsp: {
    /** URL; null: the one that the certificate names. */
    readonly responder: string | null;
    /** Absolute path of a response in DER that somebody else keeps fresh; nobody is asked then. */
    readonly file: string | null;
    /** Absolute path of a PEM file that holds the issuer; null: the chain does. */
    readonly issuer: string | null;
  };
}

export interface HttpUpstreamConfig {
  readonly protocol: 'http';
  /** `http://host:port` or `https://host:port`, without a path. */
  readonly url: string;
  /** Absolute path of the PEM certificates that an `https` upstream is checked against; null: the system's. */
  readonly ca: string | null;
  readonly connectTimeout: number;
  readonly headersTimeout: number;
  /** Longest silence inside a response's body. */
  readonly bodyTimeout: number;
  /** An unused connection to the upstream is closed after this. */
  readonly keepAlive: number;
  /** Connections one worker opens to the upstream. */
  readonly connections: number;
}

export interface TcpUpstreamConfig {
  readonly protocol: 'tcp';
  readonly address: Address;
  /** Send a PROXY protocol v2 header first. */
  readonly proxyProtocol: boolean;
  readonly connectTimeout: number;
  /** Longest silence in both directions. */
  readonly idleTimeout: number;
}

export type UpstreamConfig = HttpUpstreamConfig | TcpUpstreamConfig;

export interface TlsConfig {
  /** As on the wire: 0x0303. No policy goes below it. */
  readonly minVersion: number;
  /** Tickets sent after a full TLS 1.3 handshake. */
  readonly tickets: number;
  /** How often tickets get a new key; those of the key before it still resume. */
  readonly ticketRotation: number;
  /** Type of the TLS extension that carries puzzles. */
  readonly puzzleExtension: number;
}

export interface LimitsConfig {
  /** Open connections of the whole process. */
  readonly connections: number;
  readonly connectionsPerWorker: number;
  /** TLS handshakes under way in the whole process. */
  readonly handshakes: number;
  /** Connections one worker holds in a tarpit; one more is reset. */
  readonly tarpits: number;
  /** Connections in one worker that wait for the solution of a puzzle in the handshake; the oldest makes room. */
  readonly puzzlesPerWorker: number;
  /** Pending connections the kernel queues for each listening socket. */
  readonly backlog: number;
  /** A longer ClientHello is refused before OpenSSL sees it. */
  readonly helloBytes: number;
  /** Counted from accept; no byte resets it. */
  readonly helloTimeout: number;
  /** Counted from accept, to the end of the TLS handshake. */
  readonly handshakeTimeout: number;
  /** For the whole header of one HTTP request. */
  readonly headerTimeout: number;
  /** For a whole HTTP request, body included. */
  readonly requestTimeout: number;
  /** Longest silence on an accepted connection. */
  readonly idleTimeout: number;
  readonly headerBytes: number;
  /** Concurrent HTTP/2 streams of one connection. */
  readonly streams: number;
  readonly requestsPerConnection: number;
  /** From the signal to the moment what is still open is closed. */
  readonly drainTimeout: number;
  /** Slots of the shared tables; the oldest entry of a full set makes room. */
  readonly rateSlots: number;
  readonly bucketSlots: number;
  readonly clearanceSlots: number;
  readonly answerSlots: number;
  readonly historySlots: number;
  /** Audit lines that wait for the disk; one more is lost and counted. */
  readonly auditQueue: number;
}

/** Names of the request headers an HTTP upstream gets; an empty name sends none. */
export interface HeadersConfig {
  readonly score: string;
  readonly policy: string;
  readonly decision: string;
  readonly ja4: string;
  readonly ja3: string;
  readonly requestId: string;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** A loaded configuration: every default filled in, paths absolute, durations in milliseconds. */
export interface Config {
  /** The file it came from. */
  readonly file: string;
  readonly policy: string;
  /** Signatures of TCP/IP stacks in p0f's format; null: those of the package. */
  readonly p0fDb: string | null;
  /** Absolute paths of MaxMind databases; null: none. */
  readonly geo: DatabaseFiles;
  /** Crawlers that are known by their keys or their ranges. */
  readonly bots: BotSettings;
  /** A table of TLS clients over the package's own; null: there is none. */
  readonly clientTable: string | null;
  /** Prefixes of proxies whose own TCP and TLS are seen in place of their clients'. */
  readonly intermediaries: readonly string[];
  /** Edge workers; 0: everything on the main loop. */
  readonly threads: number;
  readonly listeners: readonly ListenerConfig[];
  readonly certificates: Readonly<Record<string, CertificateConfig>>;
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
  readonly limits: LimitsConfig;
  /** Lowest version any policy may offer, as on the wire (0x0303). */
  readonly tls: TlsConfig;
  readonly headers: HeadersConfig;
  /** Null: no admin API. `tokenFile` is made at start when it is missing. */
  readonly admin: { readonly address: Address; readonly tokenFile: string } | null;
  /** Null: no metrics and health server. */
  readonly metrics: { readonly address: Address } | null;
  /** `file` is a path or `-` for stdout; `facts`: also every fact that was known; null: no audit log. */
  readonly audit: { readonly file: string; readonly facts: boolean } | null;
  /** What is remembered of clients. `file` keeps it over a restart; null: nothing does. */
  readonly history: {
    readonly file: string | null;
    /** Between two savings. */
    readonly interval: number;
    /** Of the counts behind the `client.` facts. */
    readonly window: number;
  };
  readonly feeds: FeedSettings;
  readonly ocsp: {
    /** Holds the last good answers about our own certificates. */
    readonly directory: string;
    /** For one question to a responder about them. */
    readonly timeout: number;
  };
  readonly log: { readonly level: LogLevel };
}
