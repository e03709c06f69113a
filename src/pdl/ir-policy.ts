/** A compiled handshake policy: what becomes of the clients it is for. */
import type { Condition, Span } from './ir-condition.ts';

/** `alert` is an IANA TLS alert name (`access_denied`, …), `durationMs` how long a tarpit holds. */
export type Verdict =
  | { readonly action: 'accept' }
  | { readonly action: 'refuse'; readonly alert: string }
  | { readonly action: 'reset' }
  | { readonly action: 'drop' }
  | { readonly action: 'tarpit'; readonly durationMs: number };

/** TLS versions as on the wire (0x0303, 0x0304); code points as IANA assigns them, in preference order. */
export interface TlsProfile {
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly ciphers: readonly number[];
  readonly groups: readonly number[];
  /** Empty: OpenSSL's default. */
  readonly sigalgs: readonly number[];
  /** Empty: what the listener offers. */
  readonly alpn: readonly string[];
  readonly prefer: 'server' | 'client';
  readonly tickets: boolean;
  /** Clients that ask get the OCSP answer about the certificate with it (RFC 6066 section 8). */
  readonly ocspStapling: boolean;
  /** Name of a certificate in `sallyport.yaml`; null: by SNI. */
  readonly certificate: string | null;
}

/**
 * Clients for whom `violated` definitely holds get `otherwise`; so do those who show a certificate for which a demand of
 * `client_cert` is not definitely `met`. `text` is the condition as it is written.
 */
export interface Ensure {
  readonly violated: Condition;
  readonly met: Condition;
  readonly text: string;
  readonly otherwise: Verdict;
  readonly span: Span;
}

/** What the ClientHello's extensions must be, and what the server sends in its own. Code points of IANA. */
export interface ExtensionRules {
  readonly require: { readonly types: readonly number[]; readonly otherwise: Verdict } | null;
  readonly forbid: { readonly types: readonly number[]; readonly otherwise: Verdict } | null;
  /** No other types than these; null: any. */
  readonly only: { readonly types: readonly number[]; readonly otherwise: Verdict } | null;
  readonly maxCount: { readonly count: number; readonly otherwise: Verdict } | null;
  readonly order: 'any' | 'fixed';
  readonly send: readonly {
    readonly type: number;
    /** Hex. */
    readonly content: string;
    readonly message: string;
  }[];
}

export interface ClientCertificate {
  readonly mode: 'request' | 'require';
  /** Indexes in `Program.cas`. */
  readonly trust: readonly number[];
  /** Most certificates in a chain, its root included, or null for the most there may ever be. */
  readonly depth: number | null;
  readonly ensure: readonly Ensure[];
  readonly revocation: {
    readonly source: 'crl' | 'ocsp' | 'feed';
    /** A path or URL as written, a path being relative to `declaredIn`; for `feed` the feed's name. */
    readonly from: string;
    readonly declaredIn: string;
    /** Index in `Program.feeds`, for `feed`. */
    readonly feed: number | null;
    readonly onUnknown: 'accept' | 'refuse';
  } | null;
}

/** Another factor, asked of a client that did not give it within `withinMs`. */
export interface Authentication {
  readonly methods: readonly {
    readonly method: 'totp' | 'webauthn' | 'oidc' | 'client_cert';
    /** Of `oidc`: its name in `sallyport.yaml`. */
    readonly provider: string | null;
  }[];
  readonly withinMs: number;
}

export interface Policy {
  readonly name: string;
  readonly rank: number;
  readonly verdict: Verdict;
  readonly tls: TlsProfile;
  readonly handshake: {
    readonly timeoutMs: number;
    readonly helloTimeoutMs: number;
    readonly idleMs: number | null;
    readonly maxHelloBytes: number;
    readonly maxInflight: number | null;
  };
  /** Index in `Program.challenges`, or null. */
  readonly challenge: number | null;
  readonly limits: readonly number[];
  readonly log: { readonly mode: 'all' | 'sampled' | 'violations' | 'none'; readonly percent: number };
  readonly extensions?: ExtensionRules;
  readonly clientCert?: ClientCertificate;
  readonly ensure?: readonly Ensure[];
  readonly authenticate?: Authentication;
  /** Name of an upstream in `sallyport.yaml`. */
  readonly upstream?: string;
}
