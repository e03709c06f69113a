/**
 * The decision of one site: what is in force, and beside it what would be decided with everything that is in
 * shadow.
 */
import {
  DECISION_BYTES,
  DECISION_EPOCH_AT,
  DECISION_FINAL_AT,
  DECISION_LADDER_AT,
  DECISION_MATCHED_RULE_COUNT_AT,
  DECISION_MATCHED_RULES_AT,
  DECISION_POLICY_AT,
  DECISION_RULE_AT,
  DECISION_RUNG_AT,
  DECISION_SCORE_AT,
  DECISION_SCORE_HIGH_AT,
  DECISION_SCORE_LOW_AT,
  DECISION_SHADOW_AT,
  DECISION_SHADOW_FINAL_AT,
  DECISION_SHADOW_POLICY_AT,
  DECISION_SHADOW_RULE_AT,
  DECISION_SHADOW_RUNG_AT,
  DECISION_SHADOW_SCORE_AT,
  DECISION_SHADOW_TIER_AT,
  DECISION_SIZE_AT,
  DECISION_TIER_AT,
  DECISION_WOULD_MATCH_AT,
  DECISION_WOULD_MATCH_COUNT_AT,
  PHASE_REQUEST,
  RULE_CUBE_COUNT_AT,
  RULE_FIRST_CUBE_AT,
  RULE_IS_SHADOW_AT,
  SCORE_BYTES,
  SECTION_SCORE,
  SECTION_SITE,
  SECTION_SITE_RULE,
  SITE_ATOMS_AT,
  SITE_BYTES,
  SITE_FIRST_RULE_AT,
  SITE_HAS_SHADOW_AT,
  SITE_RULE_COUNT_AT,
  SITE_SCORE_AT,
  STATUS_BAD_ARGUMENT,
  STATUS_IMAGE_MISSING,
  STATUS_UNKNOWN_SITE,
} from './abi/layout.gen';
import { evaluateAtoms } from './atoms';
import { evaluateCondition, HOLDS, NEVER } from './conditions';
import { section, sectionCount } from './image';
import { setOrigin } from './leaf';
import { DECISION } from './memory';
import {
  beginOutcome,
  considerRule,
  endOutcome,
  OUTCOME,
  OUTCOME_FINAL_AT,
  OUTCOME_LADDER_AT,
  OUTCOME_POLICY_AT,
  OUTCOME_RULE_AT,
  OUTCOME_RUNG_AT,
  OUTCOME_TIER_AT,
  ruleAt,
} from './outcome';
import { evaluateSignals, SCORED, SCORED_HIGH_AT, SCORED_LOW_AT, sumSignals } from './score';
import { activeImage, epoch } from './state';
import { tablesFor } from './tables';

/** The rules that hold or may yet: how many, then the index and the outlook of each. */
const OPEN_COUNT: usize = memory.data(4, 4);
const OPEN: usize = memory.data(4_096, 16);
const OPEN_OUTLOOK_AT: usize = 2;

/** Fills in DECISION for a site at a phase: 0, or why not. */
export function decide(site: i32, phase: i32): i32 {
  const image = activeImage();
  if (image == 0) return STATUS_IMAGE_MISSING;
  if (site < 0 || site >= sectionCount(image, SECTION_SITE)) return STATUS_UNKNOWN_SITE;
  if (phase < 0 || phase > PHASE_REQUEST) return STATUS_BAD_ARGUMENT;
  store<u32>(DECISION, DECISION_BYTES, DECISION_SIZE_AT);
  store<i32>(DECISION, epoch(), DECISION_EPOCH_AT);
  const at = section(image, SECTION_SITE) + site * SITE_BYTES;
  const score = section(image, SECTION_SCORE) + load<i32>(at, SITE_SCORE_AT) * SCORE_BYTES;
  const hasShadow = load<u32>(at, SITE_HAS_SHADOW_AT);
  const tables = tablesFor(image);
  setOrigin(tables);
  evaluateAtoms(image, tables, at + SITE_ATOMS_AT, phase);
  evaluateSignals(image, tables, score, phase);
  evaluateRules(image, at);
  settle(image, at, score, false);
  report();
  store<u32>(DECISION, hasShadow, DECISION_SHADOW_AT);
  if (hasShadow != 0) {
    settle(image, at, score, true);
    reportShadow();
  }
  return 0;
}

/** Finds the rules that hold or may yet, and records those that hold. */
function evaluateRules(image: usize, site: usize): void {
  const indexes = section(image, SECTION_SITE_RULE) + (load<i32>(site, SITE_FIRST_RULE_AT) << 2);
  const count = load<i32>(site, SITE_RULE_COUNT_AT);
  let open = 0;
  let matched = 0;
  let wouldMatch = 0;
  for (let i = 0; i < count; i++) {
    const index = load<i32>(indexes + (i << 2));
    const rule = ruleAt(image, index);
    const outlook = evaluateCondition(
      image,
      load<i32>(rule, RULE_FIRST_CUBE_AT),
      load<i32>(rule, RULE_CUBE_COUNT_AT),
    );
    if (outlook == NEVER) continue;
    store<u16>(OPEN + (open << 2), index);
    store<u16>(OPEN + (open++ << 2), outlook, OPEN_OUTLOOK_AT);
    if (outlook != HOLDS) continue;
    if (load<u32>(rule, RULE_IS_SHADOW_AT) == 0) {
      store<u16>(DECISION + (matched++ << 1), index, DECISION_MATCHED_RULES_AT);
    } else store<u16>(DECISION + (wouldMatch++ << 1), index, DECISION_WOULD_MATCH_AT);
  }
  store<i32>(OPEN_COUNT, open);
  store<u32>(DECISION, matched, DECISION_MATCHED_RULE_COUNT_AT);
  store<u32>(DECISION, wouldMatch, DECISION_WOULD_MATCH_COUNT_AT);
}

/** Leaves in OUTCOME and SCORED what is decided without, or with, everything in shadow. */
function settle(image: usize, site: usize, score: usize, withShadow: bool): void {
  sumSignals(image, score, withShadow);
  beginOutcome();
  const end = OPEN + (load<i32>(OPEN_COUNT) << 2);
  for (let open = OPEN; open < end; open += 4) {
    const index = <i32>load<u16>(open);
    const rule = ruleAt(image, index);
    if (!withShadow && load<u32>(rule, RULE_IS_SHADOW_AT) != 0) continue;
    considerRule(rule, index, load<u16>(open, OPEN_OUTLOOK_AT));
  }
  endOutcome(image, site, withShadow);
}

function report(): void {
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_FINAL_AT), DECISION_FINAL_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_TIER_AT), DECISION_TIER_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_POLICY_AT), DECISION_POLICY_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_RULE_AT), DECISION_RULE_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_RUNG_AT), DECISION_RUNG_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_LADDER_AT), DECISION_LADDER_AT);
  store<i32>(DECISION, load<i32>(SCORED), DECISION_SCORE_AT);
  store<i32>(DECISION, load<i32>(SCORED, SCORED_LOW_AT), DECISION_SCORE_LOW_AT);
  store<i32>(DECISION, load<i32>(SCORED, SCORED_HIGH_AT), DECISION_SCORE_HIGH_AT);
}

function reportShadow(): void {
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_FINAL_AT), DECISION_SHADOW_FINAL_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_TIER_AT), DECISION_SHADOW_TIER_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_POLICY_AT), DECISION_SHADOW_POLICY_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_RULE_AT), DECISION_SHADOW_RULE_AT);
  store<i32>(DECISION, load<i32>(OUTCOME, OUTCOME_RUNG_AT), DECISION_SHADOW_RUNG_AT);
  store<i32>(DECISION, load<i32>(SCORED), DECISION_SHADOW_SCORE_AT);
}
