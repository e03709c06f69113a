/** The order of outcomes inside a tier: drop, reset, refuse, tarpit, accept with a challenge, accept. */
import type { Program, Rule, Verdict } from './ir.ts';

const CHALLENGED = 1;
const STRICTNESS: Readonly<Record<Verdict['action'], number>> = {
  accept: 0,
  tarpit: 2,
  refuse: 3,
  reset: 4,
  drop: 5,
};

/** What outcomes are compared by, the weightiest first. */
type Weight = readonly [action: number, rank: number, durationMs: number, alert: string];

function weigh(program: Program, outcome: Rule['outcome']): Weight {
  const policy = outcome.action === 'use' ? program.policies[outcome.policy] : undefined;
  if (outcome.action === 'use' && !policy) throw new RangeError(`no policy ${outcome.policy}`);
  const verdict = policy ? policy.verdict : (outcome as Verdict);
  const challenged = verdict.action === 'accept' && policy !== undefined && policy.challenge !== null;
  return [
    challenged ? CHALLENGED : STRICTNESS[verdict.action],
    policy?.rank ?? 0,
    verdict.action === 'tarpit' ? verdict.durationMs : 0,
    verdict.action === 'refuse' ? verdict.alert : '',
  ];
}

function compare(a: Weight, b: Weight): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return -1;
    if (a[i]! > b[i]!) return 1;
  }
  return 0;
}

/**
 * A number for each rule, greater for the stricter outcome and equal only for equal outcomes, so that the
 * order of rules in a file never decides.
 */
export function rankOutcomes(program: Program): number[] {
  const weights = program.rules.map((rule) => weigh(program, rule.outcome));
  const distinct = [...weights]
    .sort(compare)
    .filter((weight, i, all) => i === 0 || compare(weight, all[i - 1]!) !== 0);
  return weights.map((weight) => distinct.findIndex((other) => compare(other, weight) === 0));
}
