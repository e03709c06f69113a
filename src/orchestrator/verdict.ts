/** What the engine answers about a connection: everything later steps and the audit need, by name. */
import type { Verdict as Action, Challenge, Policy, Program, Tier } from '../pdl/ir.ts';
import type { CanaryArm } from './canaries.ts';

export interface ScorePart {
  readonly name: string;
  readonly group: string | null;
  readonly points: number;
}

/** What would be decided with everything in shadow in force. */
export interface ShadowDecision {
  readonly policy: string | null;
  readonly action: Action['action'];
  readonly tier: Tier | 'ladder';
  readonly score: number;
}

export interface Verdict {
  readonly site: string | null;
  readonly policy: Policy | null;
  readonly action: Action;
  /**
   * Which tier of the conflict rule decided; `site` when no site claims the name, `extensions` when the hello broke
   * a rule of the policy it was given.
   */
  readonly tier: Tier | 'limit' | 'ladder' | 'site' | 'on_error' | 'extensions';
  /** 0 (good) to 100 (bad), or whatever the policy's clamp says. */
  readonly score: number;
  readonly parts: readonly ScorePart[];
  /** Names of the rules, signals and limits that held. */
  readonly matched: readonly string[];
  /** Names of the shadow rules and signals that held. */
  readonly wouldMatch: readonly string[];
  /** Null when the site has nothing in shadow; limits are left out of account. */
  readonly shadow: ShadowDecision | null;
  /** Of every canary of the site whose key is known by now. */
  readonly canaries: readonly CanaryArm[];
  readonly challenge: Challenge | null;
  /** Leading zero bits demanded by `challenge`; 0 without one. */
  readonly difficulty: number;
  /** False while a fact of a later phase could still change the action. */
  readonly final: boolean;
}

const ACCEPT: Action = { action: 'accept' };
const STRICTNESS: Readonly<Record<Action['action'], number>> = {
  accept: 0,
  tarpit: 2,
  refuse: 3,
  reset: 4,
  drop: 5,
};

/** The order of outcomes inside a tier; a challenge is left out of account. */
export function isStricter(one: Action, other: Action): boolean {
  return STRICTNESS[one.action] > STRICTNESS[other.action];
}

/** What a decision does: the winning rule's own verdict, else that of the policy. Indexes of the program, or -1. */
export function actionOf(program: Program, rule: number, policy: number): Action {
  const outcome = program.rules[rule]?.outcome;
  if (outcome !== undefined && outcome.action !== 'use') return outcome;
  return program.policies[policy]?.verdict ?? ACCEPT;
}

/** Leading zero bits for a score: linear between the ends, held beyond them, rounded down. */
export function difficultyFor(challenge: Challenge, score: number): number {
  const { min, max, fromScore, toScore } = challenge.difficulty;
  if (score <= fromScore || toScore <= fromScore) return min;
  if (score >= toScore) return max;
  return min + Math.floor(((max - min) * (score - fromScore)) / (toScore - fromScore));
}
