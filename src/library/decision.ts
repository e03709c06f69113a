/** What the library tells a server about one of its connections. */
import type { Core } from '../core/core.ts';
import type { CanaryArm } from '../orchestrator/canaries.ts';
import type { ScorePart, ShadowDecision, Verdict } from '../orchestrator/verdict.ts';

/** What a ClientHello says; `null` where the client did not say it. */
export interface HelloSummary {
  /** Size of the handshake message with its header. */
  readonly bytes: number;
  readonly sni: string | null;
  readonly alpn: readonly string[];
  readonly ja3Hash: string;
  readonly ja4: string;
  /** The program that sends such a ClientHello, by the table of TLS clients. */
  readonly client: string | null;
  /** Highest version offered, as on the wire: 0x0304 for TLS 1.3. */
  readonly maxVersion: number;
}

export interface EngineDecision {
  /** Null when no site of the policy claims the connection, or the hello could not be read. */
  readonly site: string | null;
  /** Name of the policy to serve it with; null when a rule turned it away without one. */
  readonly policy: string | null;
  readonly action: 'accept' | 'refuse' | 'reset' | 'drop' | 'tarpit';
  /** IANA name of the TLS alert that a refusal sends; null for every other action. */
  readonly alert: string | null;
  /** How long a tarpit holds, in milliseconds; null for every other action. */
  readonly holdMs: number | null;
  /** What decided: a tier of the policy's rules, its ladder, a limit, or the error that stopped it. */
  readonly tier: Verdict['tier'] | 'error';
  /** 0 (good) to 100 (bad), or as the policy clamps it. */
  readonly score: number;
  readonly parts: readonly ScorePart[];
  /** Names of the rules, signals and limits that held. */
  readonly matched: readonly string[];
  /** The connection's side of each canary of the site, where its key is known by now. */
  readonly canaries: readonly CanaryArm[];
  /** Names of the rules and signals in shadow that held. */
  readonly wouldMatch: readonly string[];
  /** What would be decided with everything in shadow in force, limits aside; null when the site has nothing in shadow. */
  readonly wouldDecide: ShadowDecision | null;
  /** What the client must solve before its requests are served; difficulty in leading zero bits. */
  readonly challenge: { readonly name: string; readonly difficulty: number } | null;
  /** Name of the upstream that the policy sends the connection to; null: wherever the server sends it. */
  readonly upstream: string | null;
  readonly hello: HelloSummary | null;
  /** Why there is no ordinary decision: a status of the decision core, or how the wait for the hello ended. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export function summarizeHello({ hello }: Core, client: string | null): HelloSummary {
  return {
    bytes: hello.bytes,
    sni: hello.sni,
    alpn: [...hello.alpn],
    ja3Hash: hello.ja3Hash,
    ja4: hello.ja4,
    client,
    maxVersion: hello.maxVersion,
  };
}

export function describe(verdict: Verdict, hello: HelloSummary | null): EngineDecision {
  const { action, challenge } = verdict;
  return {
    site: verdict.site,
    policy: verdict.policy?.name ?? null,
    action: action.action,
    alert: action.action === 'refuse' ? action.alert : null,
    holdMs: action.action === 'tarpit' ? action.durationMs : null,
    tier: verdict.tier,
    score: verdict.score,
    parts: verdict.parts,
    matched: verdict.matched,
    canaries: verdict.canaries,
    wouldMatch: verdict.wouldMatch,
    wouldDecide: verdict.shadow,
    challenge: challenge === null ? null : { name: challenge.name, difficulty: verdict.difficulty },
    upstream: verdict.policy?.upstream ?? null,
    hello,
    error: null,
  };
}

/** A client that cannot be decided about: it is turned away, never let in. */
export function undecided(
  action: 'refuse' | 'reset',
  alert: string | null,
  code: string,
  message: string,
): EngineDecision {
  return {
    site: null,
    policy: null,
    action,
    alert,
    holdMs: null,
    tier: 'error',
    score: 0,
    parts: [],
    matched: [],
    canaries: [],
    wouldMatch: [],
    wouldDecide: null,
    challenge: null,
    upstream: null,
    hello: null,
    error: { code, message },
  };
}
