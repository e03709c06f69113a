/**
 * The compiled form of a policy: plain data, what the language hands to the engine.
 * Everything is JSON-serialisable, so a program can cross a thread or be hashed.
 */

/** Phases in order; a fact of a later phase is still pending in an earlier one. */
export type Phase = 'connect' | 'hello' | 'cert' | 'request';

/** Where a construct stands in its source: 1-based, `endColumn` exclusive. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/**
 * What an atom reads: a fact by its index in the ABI's fact table; the rate of the counter `counter` (index
 * in `Program.counters`) in events per second times 1,000,000, rounded down; or the connection's draw, 0 to
 * 999,999, of the canary `canary` (index in `Program.canaries`).
 */
export type Operand =
  | { readonly fact: number }
  | { readonly counter: number }
  | { readonly canary: number }
  /** The score that the map `lookup` (index in `Program.feeds`) gives the fact `of`; unknown when it is not in it. */
  | { readonly lookup: number; readonly of: number }
  /** 1 when the DNS list `listed` (index in `Program.feeds`) has `conn.ip`, 0 when not; unknown until it has answered. */
  | { readonly listed: number };

/**
 * One test of one operand, with three values: true, false, unknown (the fact is missing or pending).
 * - `known`: is the fact known (this one is never unknown itself, unless its phase is pending).
 * - `range`: `min <= value <= max`; booleans are 0 and 1; a list's value is its length; durations are
 *   microseconds, times milliseconds since the epoch, rates events per second × 1e6, percents × 1e4.
 * - `any` / `all`: a list of code points holds any / all of `values`; a scalar code point is one of `values`.
 * - `table`: the fact (or any member of a list) is in table `table`.
 */
export type Atom =
  | { readonly kind: 'known'; readonly operand: Operand }
  | { readonly kind: 'range'; readonly operand: Operand; readonly min: number; readonly max: number }
  | { readonly kind: 'any' | 'all'; readonly operand: Operand; readonly values: readonly number[] }
  | { readonly kind: 'table'; readonly operand: Operand; readonly table: number };

/** A conjunction: every atom of `yes` is true and every atom of `no` is definitely false. Atom indexes, sorted. */
export interface Cube {
  readonly yes: readonly number[];
  readonly no: readonly number[];
}

/** A disjunction of cubes (≤ 64); `[]` never holds, `[{yes:[],no:[]}]` always does. */
export type Condition = readonly Cube[];

/**
 * Membership structure; `cidr` by longest prefix, `host` exact or `*.suffix`, `glob` and `regex` by their one
 * pattern, the others by exact value.
 */
export interface Table {
  readonly kind: 'cidr' | 'hash' | 'host' | 'number' | 'glob' | 'regex';
  /** The values, for a set written in the policy. */
  readonly members?: readonly string[];
  /** Index in `Program.feeds`, for a set that comes from a feed. */
  readonly feed?: number;
}

export interface Feed {
  readonly name: string;
  readonly type:
    | 'cidr'
    | 'ip'
    | 'asn'
    | 'country'
    | 'host'
    | 'ja3'
    | 'ja4'
    | 'fingerprint'
    | 'spiffe'
    | 'string';
  readonly source: 'file' | 'url' | 'dnsbl' | 'crowdsec' | 'builtin';
  /** A file's path as written, relative to the policy file that declares it; else the URL, zone or name. */
  readonly path: string;
  /** A member is a value, a blank and its score, 0 to 100, which `lookup` reads. */
  readonly toScore?: true;
  /** Format of what is fetched, as `csv`; absent: one member a line. */
  readonly format?: string;
  /** Hex digest that the content must have. */
  readonly sha256?: string;
  /** Index in `Program.secrets` of what authorises the fetch. */
  readonly auth?: number;
  readonly declaredIn: string;
  readonly refreshMs: number | null;
  readonly maxAgeMs: number | null;
  readonly onStale: 'keep' | 'empty' | 'fail';
  readonly maxEntries: number;
}

/** One part of a counter's or limit's key. Prefix lengths apply to `conn.ip` and default to 32 and 128. */
export interface KeyPart {
  readonly fact: number;
  readonly v4: number;
  readonly v6: number;
}

/**
 * What counters count and limits are drawn by: a ClientHello that was read, a handshake, a connection that failed
 * before or in its handshake, an HTTP request, a challenge that was posed, an answer to one that was wrong.
 */
export type CountedEvent = 'hello' | 'handshake' | 'failure' | 'request' | 'challenge' | 'challenge_fail';

export interface Counter {
  readonly name: string;
  readonly key: readonly KeyPart[];
  readonly windowMs: number;
  readonly event: CountedEvent;
}

/**
 * A share of the connections, the same ones as long as their key is the same. The host draws a number below
 * 1,000,000 from a keyed hash of `name` and the key; the connection is in the canary when it is below `share`.
 * The program tests that with the atom `{ kind: 'range', operand: { canary }, min: 0, max: share - 1 }`, which
 * is unknown while a part of the key is. A canary rule or signal has the atom in each of its cubes.
 */
export interface Canary {
  readonly name: string;
  readonly key: readonly KeyPart[];
  /** Parts per million. */
  readonly share: number;
}

/** `alert` is an IANA TLS alert name (`access_denied`, …), `durationMs` how long a tarpit holds. */
export type Verdict =
  | { readonly action: 'accept' }
  | { readonly action: 'refuse'; readonly alert: string }
  | { readonly action: 'reset' }
  | { readonly action: 'drop' }
  | { readonly action: 'tarpit'; readonly durationMs: number };

export type Outcome =
  | Verdict
  | { readonly action: 'use'; readonly policy: number }
  | { readonly action: 'challenge'; readonly challenge: number };

/** Token bucket: `tokens` are added every `perMs`, up to `burst`; each event draws one. */
export interface Limit {
  readonly name: string;
  readonly key: readonly KeyPart[];
  readonly event: CountedEvent;
  readonly tokens: number;
  readonly perMs: number;
  readonly burst: number;
  readonly then: Outcome;
}

export interface Signal {
  readonly name: string;
  /** Index in `Score.groups`, or null when the signal stands alone. */
  readonly group: number | null;
  /** The signal counts while this definitely holds. A ramp without it always does. */
  readonly when?: Condition;
  /** What a signal that is not a ramp adds. */
  readonly points?: number;
  /** Piecewise linear: `y0` at or below `x0`, `y1` at or above `x1`, integer, rounded toward zero; unknown adds 0. */
  readonly ramp?: {
    readonly operand: Operand;
    readonly x0: number;
    readonly x1: number;
    readonly y0: number;
    readonly y1: number;
  };
  /** Counts only in the shadow decision. */
  readonly shadow?: boolean;
  readonly span: Span;
}

export interface Score {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly groups: readonly { readonly name: string; readonly cap: number; readonly floor: number }[];
  readonly signals: readonly Signal[];
}

export type Tier = 'forbid' | 'exempt' | 'deny' | 'pin';

export interface Rule {
  readonly name: string;
  readonly tier: Tier;
  readonly when: Condition;
  readonly outcome: Verdict | { readonly action: 'use'; readonly policy: number };
  /** Takes part only in the shadow decision. */
  readonly shadow?: boolean;
  readonly span: Span;
}

/** Lower bounds in rising order; the first equals the clamp's minimum, so a ladder always answers. */
export interface Rung {
  readonly from: number;
  readonly policy: number;
}

/**
 * A site's forms in the states of modes: `sites` has an index in `Program.sites` for each combination of
 * states of `modes` (indexes in `Program.modes`), the last mode's states varying fastest.
 */
export interface Forms {
  readonly modes: readonly number[];
  readonly sites: readonly number[];
}

export interface Site {
  readonly name: string;
  /** Empty for a form of another site. */
  readonly listeners: readonly string[];
  /** `any`, `none` (no server_name sent), or names and `*.` wildcards, lower case. */
  readonly sni: 'any' | 'none' | readonly string[];
  /** Index in `Program.scores`. */
  readonly score: number;
  readonly ladder: readonly Rung[];
  /** Takes the place of `ladder` for connections for which `when` definitely holds. */
  readonly canaryLadder?: { readonly when: Condition; readonly ladder: readonly Rung[] };
  /**
   * Takes the place of both in the shadow decision: what would be decided if every shadow rule, signal and
   * ladder of the site were in force. It is reported beside the decision and never enforced.
   */
  readonly shadowLadder?: readonly Rung[];
  /** Indexes in `Program.rules` that apply to this site. */
  readonly rules: readonly number[];
  readonly limits: readonly number[];
  /** Policy index used when the engine cannot answer. */
  readonly onError: number;
  readonly forms?: Forms;
}

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

export interface Challenge {
  readonly name: string;
  readonly kind: 'pow' | 'captcha' | 'wait' | 'retry';
  /** Of a proof of work. */
  readonly algorithm: 'sha256_bits' | 'argon2id_small';
  /**
   * Leading zero bits demanded of a proof of work (0 for the other kinds): `min` at score `fromScore`,
   * rising linearly to `max` at `toScore`.
   */
  readonly difficulty: {
    readonly min: number;
    readonly max: number;
    readonly fromScore: number;
    readonly toScore: number;
  };
  readonly solveWithinMs: number;
  readonly clearsForMs: number;
  readonly clearsPer: readonly KeyPart[];
  /** Index in `Program.secrets`. */
  readonly secret: number;
  /** Who makes the captcha. */
  readonly provider?: string;
  /** Index in `Program.challenges`: for clients that cannot meet this one. */
  readonly fallback?: number;
  /** Where it may be met, the preferred place first; absent: in a page. */
  readonly deliver?: readonly ('handshake' | 'page' | 'header')[];
}

/** Roots of client certificates, in a PEM file. */
export interface CertificateAuthority {
  readonly name: string;
  readonly path: string;
  readonly declaredIn: string;
}

/** A condition over `Mode.atoms` that must hold for `holdMs` on end. */
export interface Switch {
  readonly when: Condition;
  readonly holdMs: number;
}

/** A state of the whole edge; `states[initial]` is where it begins, and what no other state claims. */
export interface Mode {
  readonly name: string;
  readonly states: readonly {
    readonly name: string;
    readonly enter: Switch | null;
    readonly leave: Switch | null;
  }[];
  readonly initial: number;
  /** Tests of `sys.` and `time.` facts. */
  readonly atoms: readonly Atom[];
}

/** A secret is named here and read by the host; its value never enters a program. */
export interface Secret {
  readonly name: string;
  readonly source: 'env' | 'file';
  readonly path: string;
  readonly declaredIn: string;
}

/** One compiled policy program. */
export interface Program {
  readonly edition: 1;
  readonly revision: string | null;
  readonly meta: Readonly<Record<string, string>>;
  readonly atoms: readonly Atom[];
  readonly tables: readonly Table[];
  readonly feeds: readonly Feed[];
  readonly counters: readonly Counter[];
  readonly canaries: readonly Canary[];
  readonly limits: readonly Limit[];
  readonly scores: readonly Score[];
  readonly rules: readonly Rule[];
  readonly policies: readonly Policy[];
  readonly challenges: readonly Challenge[];
  readonly secrets: readonly Secret[];
  readonly cas: readonly CertificateAuthority[];
  readonly modes: readonly Mode[];
  readonly sites: readonly Site[];
  /** Indexes of the facts that some atom, ramp or key reads, sorted. */
  readonly requiredFacts: readonly number[];
}
