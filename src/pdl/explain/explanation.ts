/** Why a decision came out as it did: the rules of each tier, the score's sum, the rung. */
import type { Program, Rule, Score, Site, Tier } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import { showVerdict, type TestAnswer } from '../testing/test-run.ts';
import type { Change } from './nearest.ts';

/** What the evaluator says besides what tests look at. */
export interface Answer extends TestAnswer {
  /** Which tier of the conflict rule decided. */
  readonly tier: Tier | 'limit' | 'ladder' | 'site' | 'on_error' | 'extensions';
  readonly difficulty: number;
}

export interface ExplainedRule {
  readonly tier: Tier;
  readonly name: string;
  readonly held: boolean;
  readonly shadow: boolean;
  /** Facts it asks about that are not known: an unknown fact never makes a rule hold. */
  readonly unknown: readonly string[];
  readonly file: string;
  readonly line: number;
}

export interface ExplainedGroup {
  /** Null for the signals that stand alone. */
  readonly name: string | null;
  readonly floor: number | null;
  readonly cap: number | null;
  /** Of its signals, before floor and cap. */
  readonly sum: number;
  /** What it adds to the score. */
  readonly points: number;
  readonly signals: readonly {
    readonly name: string;
    readonly points: number;
    readonly unknown: readonly string[];
  }[];
}

export interface ExplainedRung {
  readonly from: number;
  /** The highest score that ends on this rung. */
  readonly to: number;
  readonly policy: string;
  readonly reached: boolean;
}

export interface Explanation {
  readonly site: string;
  readonly decision: {
    readonly tier: Answer['tier'];
    readonly policy: string | null;
    readonly action: string;
    readonly challenge: string | null;
    readonly difficulty: number | null;
  };
  readonly rules: readonly ExplainedRule[];
  readonly score: {
    readonly name: string;
    readonly value: number;
    readonly min: number;
    readonly max: number;
    readonly groups: readonly ExplainedGroup[];
  };
  readonly ladder: readonly ExplainedRung[];
  /** Changes of one fact, or of two where no single one does it, that would alter the decision; nearest first. */
  readonly nearest: readonly Change[];
}

/** `isUnknown` says of a fact's index whether the client lacks it. */
export function explain(
  program: Program,
  site: Site,
  answer: Answer,
  isUnknown: (fact: number) => boolean,
  nearest: readonly Change[],
): Explanation {
  const score = program.scores[site.score]!;
  return {
    site: site.name,
    decision: {
      tier: answer.tier,
      policy: answer.policy?.name ?? null,
      action: showVerdict(answer.action),
      challenge: answer.challenge?.name ?? null,
      difficulty: answer.challenge === null ? null : answer.difficulty,
    },
    rules: site.rules.map((index) => explainRule(program, program.rules[index]!, answer, isUnknown)),
    score: {
      name: score.name,
      value: answer.score,
      min: score.min,
      max: score.max,
      groups: explainGroups(program, score, answer, isUnknown),
    },
    ladder: explainLadder(program, site, answer.score),
    nearest,
  };
}

function explainRule(
  program: Program,
  { name, tier, when, shadow, span }: Rule,
  { matched, wouldMatch }: Answer,
  isUnknown: (fact: number) => boolean,
): ExplainedRule {
  const held = (shadow === true ? wouldMatch : matched).includes(name);
  const { file, line } = span;
  const unknown = held ? [] : unknownFacts(program, when, isUnknown);
  return { tier, name, held, shadow: shadow === true, unknown, file, line };
}

/** Names of unknown facts that a condition tests, other than to ask whether they are known. */
function unknownFacts(
  program: Program,
  condition: Rule['when'],
  isUnknown: (fact: number) => boolean,
): string[] {
  const names = condition
    .flatMap(({ yes, no }) => [...yes, ...no])
    .map((index) => program.atoms[index]!)
    .flatMap(({ kind, operand }) => (kind !== 'known' && 'fact' in operand ? [operand.fact] : []))
    .filter(isUnknown)
    .map((fact) => FACTS[fact]!.name);
  return [...new Set(names)];
}

function explainGroups(
  program: Program,
  score: Score,
  { parts, matched }: Answer,
  isUnknown: (fact: number) => boolean,
): ExplainedGroup[] {
  const pointsOf = new Map(parts.map(({ name, points }) => [name, points]));
  const collect = (index: number | null): Pick<ExplainedGroup, 'sum' | 'signals'> => {
    const signals = score.signals
      .filter(({ group, shadow }) => group === index && shadow !== true)
      .map(({ name, when, ramp }) => {
        const operand = ramp?.operand;
        const rampFact = operand && 'fact' in operand && isUnknown(operand.fact) ? [operand.fact] : [];
        const unknown = matched.includes(name)
          ? []
          : [...unknownFacts(program, when ?? [], isUnknown), ...rampFact.map((fact) => FACTS[fact]!.name)];
        return { name, points: pointsOf.get(name) ?? 0, unknown };
      });
    return { sum: signals.reduce((sum, { points }) => sum + points, 0), signals };
  };
  const groups = score.groups.map(({ name, cap, floor }, index): ExplainedGroup => {
    const { sum, signals } = collect(index);
    return { name, cap, floor, sum, points: Math.min(cap, Math.max(floor, sum)), signals };
  });
  const alone = collect(null);
  if (alone.signals.length === 0) return groups;
  return [...groups, { name: null, cap: null, floor: null, points: alone.sum, ...alone }];
}

/** The rungs of a site with the scores that end on each. */
export function explainLadder(program: Program, site: Site, score: number): ExplainedRung[] {
  const { max } = program.scores[site.score]!;
  return site.ladder.map(({ from, policy }, index) => {
    const to = (site.ladder[index + 1]?.from ?? max + 1) - 1;
    return { from, to, policy: program.policies[policy]!.name, reached: score >= from && score <= to };
  });
}
