/**
 * The decision of one site. The earliest tier with a rule that holds wins; inside a tier the strictest
 * rule; without one the score chooses a rung of the ladder.
 */
import {
  DECISION_BYTES,
  DECISION_EPOCH_AT,
  DECISION_FINAL_AT,
  DECISION_MATCHED_RULE_COUNT_AT,
  DECISION_MATCHED_RULES_AT,
  DECISION_POLICY_AT,
  DECISION_RULE_AT,
  DECISION_RUNG_AT,
  DECISION_SCORE_AT,
  DECISION_SCORE_HIGH_AT,
  DECISION_SCORE_LOW_AT,
  DECISION_SIZE_AT,
  DECISION_TIER_AT,
  PHASE_REQUEST,
  RULE_BYTES,
  RULE_CUBE_COUNT_AT,
  RULE_FIRST_CUBE_AT,
  RULE_POLICY_AT,
  RULE_STRICTNESS_AT,
  RULE_TIER_AT,
  RUNG_BYTES,
  RUNG_FROM_AT,
  RUNG_POLICY_AT,
  SCORE_BYTES,
  SECTION_RULE,
  SECTION_RUNG,
  SECTION_SCORE,
  SECTION_SITE,
  SECTION_SITE_RULE,
  SITE_BYTES,
  SITE_FIRST_RULE_AT,
  SITE_FIRST_RUNG_AT,
  SITE_RULE_COUNT_AT,
  SITE_RUNG_COUNT_AT,
  SITE_SCORE_AT,
  STATUS_BAD_ARGUMENT,
  STATUS_IMAGE_MISSING,
  STATUS_UNKNOWN_SITE,
  TIER_LADDER,
} from './abi/layout.gen';
import { evaluateAtoms } from './atoms';
import { evaluateCondition, HOLDS, MAYBE } from './conditions';
import { section, sectionCount } from './image';
import { DECISION } from './memory';
import { evaluateScore } from './score';
import { activeImage, epoch } from './state';
import { tablesFor } from './tables';

const NONE: i32 = -1;
/** Per tier: the strictest rule that pending facts could still make hold, NONE when there is none. */
const OPEN: usize = memory.data(16, 8);

/** Fills in DECISION for a site at a phase: 0, or why not. */
export function decide(site: i32, phase: i32): i32 {
  const image = activeImage();
  if (image == 0) return STATUS_IMAGE_MISSING;
  if (site < 0 || site >= sectionCount(image, SECTION_SITE)) return STATUS_UNKNOWN_SITE;
  if (phase < 0 || phase > PHASE_REQUEST) return STATUS_BAD_ARGUMENT;
  store<u32>(DECISION, DECISION_BYTES, DECISION_SIZE_AT);
  store<i32>(DECISION, epoch(), DECISION_EPOCH_AT);
  const at = section(image, SECTION_SITE) + site * SITE_BYTES;
  evaluateAtoms(image, tablesFor(image), phase);
  evaluateScore(image, section(image, SECTION_SCORE) + load<i32>(at, SITE_SCORE_AT) * SCORE_BYTES, phase);
  const winner = evaluateRules(image, at);
  if (winner == NONE) climb(image, at);
  else settle(image, winner);
  return 0;
}

function ruleAt(image: usize, index: i32): usize {
  return section(image, SECTION_RULE) + index * RULE_BYTES;
}

/** Records the rules that hold and returns the winning one. */
function evaluateRules(image: usize, site: usize): i32 {
  memory.fill(OPEN, 0xff, 16);
  const indexes = section(image, SECTION_SITE_RULE) + (load<i32>(site, SITE_FIRST_RULE_AT) << 2);
  const count = load<i32>(site, SITE_RULE_COUNT_AT);
  let matched = 0;
  let winner = NONE;
  let bestTier = TIER_LADDER;
  let bestStrictness = NONE;
  for (let i = 0; i < count; i++) {
    const index = load<i32>(indexes + (i << 2));
    const rule = ruleAt(image, index);
    const state = evaluateCondition(
      image,
      load<i32>(rule, RULE_FIRST_CUBE_AT),
      load<i32>(rule, RULE_CUBE_COUNT_AT),
    );
    const tier = load<i32>(rule, RULE_TIER_AT);
    const strictness = load<i32>(rule, RULE_STRICTNESS_AT);
    if (state == MAYBE) {
      const open = OPEN + (tier << 2);
      store<i32>(open, max(load<i32>(open), strictness));
    } else if (state == HOLDS) {
      store<u16>(DECISION + (matched << 1), index, DECISION_MATCHED_RULES_AT);
      matched++;
      if (tier < bestTier || (tier == bestTier && strictness > bestStrictness)) {
        winner = index;
        bestTier = tier;
        bestStrictness = strictness;
      }
    }
  }
  store<u32>(DECISION, matched, DECISION_MATCHED_RULE_COUNT_AT);
  return winner;
}

/** Can a pending rule of a tier before `tier` still win? */
function isOpenBefore(tier: i32): bool {
  for (let i = 0; i < tier; i++) if (load<i32>(OPEN + (i << 2)) != NONE) return true;
  return false;
}

/** The answer is a rule's. */
function settle(image: usize, index: i32): void {
  const rule = ruleAt(image, index);
  const tier = load<i32>(rule, RULE_TIER_AT);
  const stricter = load<i32>(OPEN + (tier << 2)) > load<i32>(rule, RULE_STRICTNESS_AT);
  answer(tier, index, load<i32>(rule, RULE_POLICY_AT), NONE, !stricter && !isOpenBefore(tier));
}

/** The answer is the ladder's; it is final when every score still possible leads to the same policy. */
function climb(image: usize, site: usize): void {
  const ladder = section(image, SECTION_RUNG) + load<i32>(site, SITE_FIRST_RUNG_AT) * RUNG_BYTES;
  const count = load<i32>(site, SITE_RUNG_COUNT_AT);
  const rung = rungOf(ladder, count, load<i32>(DECISION, DECISION_SCORE_AT));
  const policy = load<i32>(ladder + rung * RUNG_BYTES, RUNG_POLICY_AT);
  let certain = !isOpenBefore(TIER_LADDER);
  const highest = rungOf(ladder, count, load<i32>(DECISION, DECISION_SCORE_HIGH_AT));
  for (let i = rungOf(ladder, count, load<i32>(DECISION, DECISION_SCORE_LOW_AT)); i <= highest; i++) {
    if (load<i32>(ladder + i * RUNG_BYTES, RUNG_POLICY_AT) != policy) certain = false;
  }
  answer(TIER_LADDER, NONE, policy, rung, certain);
}

/** The last rung that begins at or below the score. */
function rungOf(ladder: usize, count: i32, score: i32): i32 {
  let rung = 0;
  while (rung + 1 < count && load<i32>(ladder + (rung + 1) * RUNG_BYTES, RUNG_FROM_AT) <= score) rung++;
  return rung;
}

function answer(tier: i32, rule: i32, policy: i32, rung: i32, final: bool): void {
  store<i32>(DECISION, tier, DECISION_TIER_AT);
  store<i32>(DECISION, rule, DECISION_RULE_AT);
  store<i32>(DECISION, policy, DECISION_POLICY_AT);
  store<i32>(DECISION, rung, DECISION_RUNG_AT);
  store<i32>(DECISION, final ? 1 : 0, DECISION_FINAL_AT);
}
