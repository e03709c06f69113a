/**
 * Who answers: the earliest tier with a rule that holds; inside a tier the strictest rule; without one the rung
 * of the ladder that the score chooses. A ladder of a canary takes the place of the site's while its condition
 * holds, and the shadow ladder that of both in the shadow decision.
 */
import {
  LADDER_CANARY,
  LADDER_SHADOW,
  LADDER_SITE,
  RULE_BYTES,
  RULE_POLICY_AT,
  RULE_STRICTNESS_AT,
  RULE_TIER_AT,
  RUNG_BYTES,
  RUNG_FROM_AT,
  RUNG_POLICY_AT,
  SECTION_RULE,
  SECTION_RUNG,
  SITE_CANARY_CUBE_COUNT_AT,
  SITE_CANARY_RUNG_COUNT_AT,
  SITE_FIRST_CANARY_CUBE_AT,
  SITE_FIRST_CANARY_RUNG_AT,
  SITE_FIRST_RUNG_AT,
  SITE_FIRST_SHADOW_RUNG_AT,
  SITE_RUNG_COUNT_AT,
  SITE_SHADOW_RUNG_COUNT_AT,
  TIER_LADDER,
} from './abi/layout.gen';
import { evaluateCondition, HOLDS, MAYBE } from './conditions';
import { section } from './image';
import { SCORED, SCORED_HIGH_AT, SCORED_LOW_AT } from './score';

const NONE: i32 = -1;

/** The answer; the rule is kept here while rules are considered. */
export const OUTCOME: usize = memory.data(32, 16);
export const OUTCOME_FINAL_AT: usize = 0;
export const OUTCOME_TIER_AT: usize = 4;
export const OUTCOME_POLICY_AT: usize = 8;
export const OUTCOME_RULE_AT: usize = 12;
export const OUTCOME_RUNG_AT: usize = 16;
export const OUTCOME_LADDER_AT: usize = 20;
const STRICTNESS_AT: usize = 24;

/** Per tier: the strictest rule that pending facts could still make hold, NONE when there is none. */
const OPEN: usize = memory.data(16, 16);

export function ruleAt(image: usize, index: i32): usize {
  return section(image, SECTION_RULE) + index * RULE_BYTES;
}

/** Starts with no rule at all. */
export function beginOutcome(): void {
  store<u64>(OPEN, <u64>-1, 0);
  store<u64>(OPEN, <u64>-1, 8);
  store<i32>(OUTCOME, TIER_LADDER, OUTCOME_TIER_AT);
  store<i32>(OUTCOME, NONE, OUTCOME_RULE_AT);
  store<i32>(OUTCOME, NONE, OUTCOME_POLICY_AT);
  store<i32>(OUTCOME, NONE, STRICTNESS_AT);
}

/** Takes in a rule that holds or may yet hold. */
export function considerRule(rule: usize, index: i32, outlook: i32): void {
  const tier = load<i32>(rule, RULE_TIER_AT);
  const strictness = load<i32>(rule, RULE_STRICTNESS_AT);
  if (outlook == MAYBE) {
    const open = OPEN + (tier << 2);
    store<i32>(open, max(load<i32>(open), strictness));
    return;
  }
  const best = load<i32>(OUTCOME, OUTCOME_TIER_AT);
  if (tier > best || (tier == best && strictness <= load<i32>(OUTCOME, STRICTNESS_AT))) return;
  store<i32>(OUTCOME, tier, OUTCOME_TIER_AT);
  store<i32>(OUTCOME, index, OUTCOME_RULE_AT);
  store<i32>(OUTCOME, load<i32>(rule, RULE_POLICY_AT), OUTCOME_POLICY_AT);
  store<i32>(OUTCOME, strictness, STRICTNESS_AT);
}

/** Answers by the best rule, or by a ladder at the score in SCORED. */
export function endOutcome(image: usize, site: usize, withShadow: bool): void {
  store<i32>(OUTCOME, LADDER_SITE, OUTCOME_LADDER_AT);
  store<i32>(OUTCOME, NONE, OUTCOME_RUNG_AT);
  const tier = load<i32>(OUTCOME, OUTCOME_TIER_AT);
  if (tier == TIER_LADDER) return chooseLadder(image, site, withShadow);
  const stricter = load<i32>(OPEN + (tier << 2)) > load<i32>(OUTCOME, STRICTNESS_AT);
  store<i32>(OUTCOME, stricter || isOpenBefore(tier) ? 0 : 1, OUTCOME_FINAL_AT);
}

/** Can a pending rule of a tier before `tier` still win? */
function isOpenBefore(tier: i32): bool {
  for (let i = 0; i < tier; i++) if (load<i32>(OPEN + (i << 2)) != NONE) return true;
  return false;
}

function chooseLadder(image: usize, site: usize, withShadow: bool): void {
  const rungs = section(image, SECTION_RUNG);
  const own = rungs + load<i32>(site, SITE_FIRST_RUNG_AT) * RUNG_BYTES;
  const ownCount = load<i32>(site, SITE_RUNG_COUNT_AT);
  const shadowCount = load<i32>(site, SITE_SHADOW_RUNG_COUNT_AT);
  if (withShadow && shadowCount > 0) {
    const shadow = rungs + load<i32>(site, SITE_FIRST_SHADOW_RUNG_AT) * RUNG_BYTES;
    return climb(shadow, shadowCount, LADDER_SHADOW);
  }
  const outlook = evaluateCondition(
    image,
    load<i32>(site, SITE_FIRST_CANARY_CUBE_AT),
    load<i32>(site, SITE_CANARY_CUBE_COUNT_AT),
  );
  const canary = rungs + load<i32>(site, SITE_FIRST_CANARY_RUNG_AT) * RUNG_BYTES;
  const canaryCount = load<i32>(site, SITE_CANARY_RUNG_COUNT_AT);
  if (outlook == HOLDS) return climb(canary, canaryCount, LADDER_CANARY);
  climb(own, ownCount, LADDER_SITE);
  if (outlook == MAYBE && !leadsTo(canary, canaryCount, load<i32>(OUTCOME, OUTCOME_POLICY_AT))) {
    store<i32>(OUTCOME, 0, OUTCOME_FINAL_AT);
  }
}

/** The answer is a ladder's; it is final when every score still possible leads to the same policy. */
function climb(ladder: usize, count: i32, kind: i32): void {
  const rung = rungOf(ladder, count, load<i32>(SCORED));
  const policy = load<i32>(ladder + rung * RUNG_BYTES, RUNG_POLICY_AT);
  const final = leadsTo(ladder, count, policy) && !isOpenBefore(TIER_LADDER);
  store<i32>(OUTCOME, rung, OUTCOME_RUNG_AT);
  store<i32>(OUTCOME, policy, OUTCOME_POLICY_AT);
  store<i32>(OUTCOME, kind, OUTCOME_LADDER_AT);
  store<i32>(OUTCOME, final ? 1 : 0, OUTCOME_FINAL_AT);
}

/** Does every score that is still possible lead to `policy`? */
function leadsTo(ladder: usize, count: i32, policy: i32): bool {
  const highest = rungOf(ladder, count, load<i32>(SCORED, SCORED_HIGH_AT));
  for (let i = rungOf(ladder, count, load<i32>(SCORED, SCORED_LOW_AT)); i <= highest; i++) {
    if (load<i32>(ladder + i * RUNG_BYTES, RUNG_POLICY_AT) != policy) return false;
  }
  return true;
}

/** The last rung that begins at or below the score. */
function rungOf(ladder: usize, count: i32, score: i32): i32 {
  let rung = 0;
  while (rung + 1 < count && load<i32>(ladder + (rung + 1) * RUNG_BYTES, RUNG_FROM_AT) <= score) rung++;
  return rung;
}
