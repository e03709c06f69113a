/**
 * The compiled form of a policy: plain data, what the language hands to the engine.
 * Everything is JSON-serialisable, so a program can cross a thread or be hashed.
 */
import type { Atom, Condition, Operand, Span } from './ir-condition.ts';
import type { Policy, Verdict } from './ir-policy.ts';

export type * from './ir-condition.ts';
export type * from './ir-policy.ts';

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
