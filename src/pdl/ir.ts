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
export type Operand = { readonly fact: number } | { readonly counter: number } | { readonly canary: number };

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

/** Membership structure; `cidr` by longest prefix, `host` exact or `*.suffix`, the others by exact value. */
export interface Table {
  readonly kind: 'cidr' | 'hash' | 'host' | 'number';
  /** The values, for a set written in the policy. */
  readonly members?: readonly string[];
  /** Index in `Program.feeds`, for a set that comes from a feed. */
  readonly feed?: number;
}

export interface Feed {
  readonly name: string;
  readonly type: 'cidr' | 'ip' | 'asn' | 'country' | 'host' | 'ja3' | 'ja4' | 'string';
  readonly source: 'file';
  /** Path as written, relative to the policy file that declares it. */
  readonly path: string;
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

export interface Counter {
  readonly name: string;
  readonly key: readonly KeyPart[];
  readonly windowMs: number;
  readonly event: 'hello' | 'handshake' | 'failure' | 'challenge_fail';
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

/** Token bucket: `tokens` are added every `perMs`, up to `burst`. */
export interface Limit {
  readonly name: string;
  readonly key: readonly KeyPart[];
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

export interface Site {
  readonly name: string;
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
  /** Name of a certificate in `sallyport.yaml`; null: by SNI. */
  readonly certificate: string | null;
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
}

export interface Challenge {
  readonly name: string;
  readonly kind: 'pow';
  readonly algorithm: 'sha256_bits';
  /** Leading zero bits demanded: `min` at score `fromScore`, rising linearly to `max` at `toScore`. */
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
  readonly sites: readonly Site[];
  /** Indexes of the facts that some atom, ramp or key reads, sorted. */
  readonly requiredFacts: readonly number[];
}
