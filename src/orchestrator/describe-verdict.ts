/** Decisions of the core, and those made in its place, in words: from indexes of a program to a verdict. */
import type { Decision, Outcome } from '../core/core.ts';
import type { Verdict as Action, Program, Site } from '../pdl/ir.ts';
import type { CanaryArm } from './canaries.ts';
import { actionOf, difficultyFor, type ScorePart, type ShadowDecision, type Verdict } from './verdict.ts';

const ACCEPT: Action = { action: 'accept' };
const UNRECOGNIZED: Action = { action: 'refuse', alert: 'unrecognized_name' };

/** Nobody serves the name that the client asks for. */
export function verdictWithoutSite(): Verdict {
  return {
    site: null,
    policy: null,
    action: UNRECOGNIZED,
    tier: 'site',
    score: 0,
    parts: [],
    matched: [],
    wouldMatch: [],
    shadow: null,
    canaries: [],
    challenge: null,
    difficulty: 0,
    final: true,
  };
}

/** The core could not answer: the site's declared default decides. */
export function verdictOnError(program: Program, site: Site): Verdict {
  const policy = program.policies[site.onError]!;
  const challenge = policy.challenge === null ? null : program.challenges[policy.challenge]!;
  return {
    site: site.name,
    policy,
    action: policy.verdict,
    tier: 'on_error',
    score: program.scores[site.score]!.max,
    parts: [],
    matched: [],
    wouldMatch: [],
    shadow: null,
    canaries: [],
    challenge,
    difficulty: challenge?.difficulty.max ?? 0,
    final: true,
  };
}

function describeShadow(program: Program, { policy, rule, tier, score }: Outcome): ShadowDecision {
  const { action } = actionOf(program, rule, policy);
  return { policy: program.policies[policy]?.name ?? null, action, tier, score };
}

/** @param canaries The connection's side of each canary of the site. */
export function describeDecision(
  program: Program,
  site: Site,
  decision: Decision,
  canaries: readonly CanaryArm[],
): Verdict {
  const score = program.scores[site.score]!;
  const parts: ScorePart[] = [];
  const matched: string[] = [];
  const wouldMatch: string[] = [];
  for (const rule of decision.matchedRules) matched.push(program.rules[rule]!.name);
  for (const rule of decision.wouldMatch) wouldMatch.push(program.rules[rule]!.name);
  score.signals.forEach((signal, index) => {
    const points = decision.signalPoints[index] ?? 0;
    if (points === 0) return;
    if (signal.shadow) {
      wouldMatch.push(signal.name);
      return;
    }
    const group = signal.group === null ? null : score.groups[signal.group]!.name;
    parts.push({ name: signal.name, group, points });
    matched.push(signal.name);
  });
  const policy = program.policies[decision.policy] ?? null;
  const action = actionOf(program, decision.rule, decision.policy);
  const challenge =
    action.action === 'accept' && policy !== null && policy.challenge !== null
      ? program.challenges[policy.challenge]!
      : null;
  return {
    site: site.name,
    policy,
    action,
    tier: decision.tier,
    score: decision.score,
    parts,
    matched,
    wouldMatch,
    shadow: decision.shadow === null ? null : describeShadow(program, decision.shadow),
    canaries,
    challenge,
    difficulty: challenge === null ? 0 : difficultyFor(challenge, decision.score),
    final: decision.final,
  };
}

/** What becomes of a verdict when the limit `index` is exceeded. */
export function limitOutcome(program: Program, verdict: Verdict, index: number): Verdict {
  const then = program.limits[index]!.then;
  if (then.action === 'use') {
    const policy = program.policies[then.policy]!;
    const challenge = policy.challenge === null ? null : program.challenges[policy.challenge]!;
    const difficulty = challenge === null ? 0 : difficultyFor(challenge, verdict.score);
    return { ...verdict, policy, action: policy.verdict, challenge, difficulty, tier: 'limit' };
  }
  if (then.action === 'challenge') {
    const challenge = program.challenges[then.challenge]!;
    return {
      ...verdict,
      action: ACCEPT,
      challenge,
      difficulty: difficultyFor(challenge, verdict.score),
      tier: 'limit',
    };
  }
  return { ...verdict, action: then, challenge: null, difficulty: 0, tier: 'limit' };
}
