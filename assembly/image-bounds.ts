/** Checks every index and count inside an image, so that deciding never has to. */
import {
  ATOM_ALL,
  ATOM_ANY,
  ATOM_BYTES,
  ATOM_CIDR,
  ATOM_FIRST_VALUE_AT,
  ATOM_KNOWN,
  ATOM_PATTERN,
  ATOM_VALUE_COUNT_AT,
  FACT_COUNT,
  MAX_ATOMS,
  MAX_CANARIES,
  MAX_COUNTERS,
  MAX_CUBES_PER_CONDITION,
  MAX_RULES,
  MAX_SCORE_MAPS,
  MAX_SIGNALS,
  MAX_TABLES,
  OPERAND_BYTES,
  OPERAND_CANARY,
  OPERAND_COUNTER,
  OPERAND_ENDS_AT,
  OPERAND_FACT,
  OPERAND_FIRST_ATOM_AT,
  OPERAND_INDEX_AT,
  OPERAND_KIND_AT,
  OPERAND_LOOKUP,
  OPERAND_PHASE_AT,
  PHASE_REQUEST,
  RULE_BYTES,
  RULE_CUBE_COUNT_AT,
  RULE_FIRST_CUBE_AT,
  RULE_TIER_AT,
  RUNG_BYTES,
  RUNG_FROM_AT,
  SCORE_BYTES,
  SCORE_FIRST_GROUP_AT,
  SCORE_FIRST_SIGNAL_AT,
  SCORE_GROUP_COUNT_AT,
  SCORE_MAX_AT,
  SCORE_MIN_AT,
  SCORE_SIGNAL_COUNT_AT,
  SECTION_ATOM,
  SECTION_CUBE,
  SECTION_GROUP,
  SECTION_OPERAND,
  SECTION_RULE,
  SECTION_RUNG,
  SECTION_SCORE,
  SECTION_SIGNAL,
  SECTION_SITE,
  SECTION_SITE_RULE,
  SECTION_VALUE,
  SIGNAL_BYTES,
  SIGNAL_CUBE_COUNT_AT,
  SIGNAL_FIRST_CUBE_AT,
  SIGNAL_GROUP_AT,
  SIGNAL_IS_RAMP_AT,
  SIGNAL_OPERAND_AT,
  SIGNAL_OPERAND_KIND_AT,
  SIGNAL_PHASE_AT,
  SITE_ATOMS_AT,
  SITE_BYTES,
  SITE_CANARY_CUBE_COUNT_AT,
  SITE_CANARY_RUNG_COUNT_AT,
  SITE_FIRST_CANARY_CUBE_AT,
  SITE_FIRST_CANARY_RUNG_AT,
  SITE_FIRST_RULE_AT,
  SITE_FIRST_RUNG_AT,
  SITE_FIRST_SHADOW_RUNG_AT,
  SITE_RULE_COUNT_AT,
  SITE_RUNG_COUNT_AT,
  SITE_SCORE_AT,
  SITE_SHADOW_RUNG_COUNT_AT,
  TIER_LADDER,
} from './abi/layout.gen';
import { section, sectionCount } from './image';
import { HOSTS_SHIFT, MAP_SHIFT } from './lookups';

/** True when everything the image refers to is inside it. */
export function hasBounds(image: usize): bool {
  if (sectionCount(image, SECTION_ATOM) > MAX_ATOMS) return false;
  if (sectionCount(image, SECTION_RULE) > MAX_RULES) return false;
  return (
    checkAtoms(image) && checkRules(image) && checkScores(image) && checkSignals(image) && checkSites(image)
  );
}

/** `first` and `count` name a part of a section of `total` elements. */
function within(first: i32, count: i32, total: i32): bool {
  return first >= 0 && count >= 0 && count <= total && first <= total - count;
}

function checkOperand(kind: i32, operand: i32, phase: i32): bool {
  if (operand < 0 || phase < 0 || phase > PHASE_REQUEST) return false;
  if (kind == OPERAND_FACT) return operand < FACT_COUNT;
  if (kind == OPERAND_COUNTER) return operand < MAX_COUNTERS;
  if (kind == OPERAND_LOOKUP) {
    const map = (operand >> MAP_SHIFT) & 0xff;
    return (operand & 0xff) < FACT_COUNT && map < MAX_SCORE_MAPS && operand >> HOSTS_SHIFT <= 1;
  }
  return kind == OPERAND_CANARY && operand < MAX_CANARIES;
}

/**
 * Each atom belongs to one operand, in their order, and those of an operand lie in one word of 64 bits; their kinds
 * ascend. What an atom names is inside the image, or a table that may be there.
 */
function checkAtoms(image: usize): bool {
  const operands = sectionCount(image, SECTION_OPERAND);
  let next = 0;
  for (let i = 0; i < operands; i++) {
    const operand = section(image, SECTION_OPERAND) + i * OPERAND_BYTES;
    if (
      !checkOperand(
        load<i32>(operand, OPERAND_KIND_AT),
        load<i32>(operand, OPERAND_INDEX_AT),
        load<i32>(operand, OPERAND_PHASE_AT),
      )
    ) {
      return false;
    }
    if (load<i32>(operand, OPERAND_FIRST_ATOM_AT) != next) return false;
    let end = 0;
    for (let kind = ATOM_KNOWN; kind <= ATOM_PATTERN; kind++) {
      const before = end;
      end = load<u8>(operand + kind, OPERAND_ENDS_AT);
      if (end < before || next + end > sectionCount(image, SECTION_ATOM)) return false;
      for (let j = before; j < end; j++) if (!checkAtom(image, next + j, kind)) return false;
    }
    if (end == 0 || (next & 63) + end > 64) return false;
    next += end;
  }
  return next == sectionCount(image, SECTION_ATOM);
}

function checkAtom(image: usize, index: i32, kind: i32): bool {
  const atom = section(image, SECTION_ATOM) + index * ATOM_BYTES;
  const first = load<i32>(atom, ATOM_FIRST_VALUE_AT);
  if (kind == ATOM_ANY || kind == ATOM_ALL) {
    return within(first, load<i32>(atom, ATOM_VALUE_COUNT_AT), sectionCount(image, SECTION_VALUE));
  }
  return kind < ATOM_CIDR || (first >= 0 && first < MAX_TABLES);
}

function checkCubes(image: usize, first: i32, count: i32): bool {
  return count <= MAX_CUBES_PER_CONDITION && within(first, count, sectionCount(image, SECTION_CUBE));
}

function checkRules(image: usize): bool {
  const count = sectionCount(image, SECTION_RULE);
  for (let i = 0; i < count; i++) {
    const rule = section(image, SECTION_RULE) + i * RULE_BYTES;
    if (load<u32>(rule, RULE_TIER_AT) >= <u32>TIER_LADDER) return false;
    if (!checkCubes(image, load<i32>(rule, RULE_FIRST_CUBE_AT), load<i32>(rule, RULE_CUBE_COUNT_AT)))
      return false;
  }
  return true;
}

function checkScores(image: usize): bool {
  const count = sectionCount(image, SECTION_SCORE);
  for (let i = 0; i < count; i++) {
    const score = section(image, SECTION_SCORE) + i * SCORE_BYTES;
    const groups = load<i32>(score, SCORE_GROUP_COUNT_AT);
    const signals = load<i32>(score, SCORE_SIGNAL_COUNT_AT);
    const firstSignal = load<i32>(score, SCORE_FIRST_SIGNAL_AT);
    if (load<i32>(score, SCORE_MIN_AT) > load<i32>(score, SCORE_MAX_AT)) return false;
    if (groups > MAX_SIGNALS || signals > MAX_SIGNALS) return false;
    if (!within(load<i32>(score, SCORE_FIRST_GROUP_AT), groups, sectionCount(image, SECTION_GROUP)))
      return false;
    if (!within(firstSignal, signals, sectionCount(image, SECTION_SIGNAL))) return false;
    for (let j = firstSignal; j < firstSignal + signals; j++) {
      const group = load<i32>(section(image, SECTION_SIGNAL) + j * SIGNAL_BYTES, SIGNAL_GROUP_AT);
      if (group < -1 || group >= groups) return false;
    }
  }
  return true;
}

function checkSignals(image: usize): bool {
  const count = sectionCount(image, SECTION_SIGNAL);
  for (let i = 0; i < count; i++) {
    const signal = section(image, SECTION_SIGNAL) + i * SIGNAL_BYTES;
    if (!checkCubes(image, load<i32>(signal, SIGNAL_FIRST_CUBE_AT), load<i32>(signal, SIGNAL_CUBE_COUNT_AT)))
      return false;
    const ramp = load<u32>(signal, SIGNAL_IS_RAMP_AT) != 0;
    if (
      ramp &&
      !checkOperand(
        load<i32>(signal, SIGNAL_OPERAND_KIND_AT),
        load<i32>(signal, SIGNAL_OPERAND_AT),
        load<i32>(signal, SIGNAL_PHASE_AT),
      )
    ) {
      return false;
    }
  }
  return true;
}

function checkSites(image: usize): bool {
  const count = sectionCount(image, SECTION_SITE);
  for (let i = 0; i < count; i++) {
    if (!checkSite(image, section(image, SECTION_SITE) + i * SITE_BYTES)) return false;
  }
  return true;
}

function checkSite(image: usize, site: usize): bool {
  const score = load<u32>(site, SITE_SCORE_AT);
  if (score >= <u32>sectionCount(image, SECTION_SCORE)) return false;
  const firstRule = load<i32>(site, SITE_FIRST_RULE_AT);
  const rules = load<i32>(site, SITE_RULE_COUNT_AT);
  if (rules > MAX_RULES || !within(firstRule, rules, sectionCount(image, SECTION_SITE_RULE))) return false;
  for (let j = firstRule; j < firstRule + rules; j++) {
    const rule = load<u32>(section(image, SECTION_SITE_RULE) + (j << 2));
    if (rule >= <u32>sectionCount(image, SECTION_RULE)) return false;
  }
  for (let atom = sectionCount(image, SECTION_ATOM); atom < MAX_ATOMS; atom++) {
    if ((load<u8>(site + (atom >> 3), SITE_ATOMS_AT) & (1 << (atom & 7))) != 0) return false;
  }
  const least = load<i32>(section(image, SECTION_SCORE) + <i32>score * SCORE_BYTES, SCORE_MIN_AT);
  const canaryCubes = load<i32>(site, SITE_CANARY_CUBE_COUNT_AT);
  const canaryRungs = load<i32>(site, SITE_CANARY_RUNG_COUNT_AT);
  const shadowRungs = load<i32>(site, SITE_SHADOW_RUNG_COUNT_AT);
  return (
    checkLadder(image, load<i32>(site, SITE_FIRST_RUNG_AT), load<i32>(site, SITE_RUNG_COUNT_AT), least) &&
    checkCubes(image, load<i32>(site, SITE_FIRST_CANARY_CUBE_AT), canaryCubes) &&
    (canaryCubes == 0 ||
      checkLadder(image, load<i32>(site, SITE_FIRST_CANARY_RUNG_AT), canaryRungs, least)) &&
    (shadowRungs == 0 || checkLadder(image, load<i32>(site, SITE_FIRST_SHADOW_RUNG_AT), shadowRungs, least))
  );
}

/** A ladder has a rung, its bounds rise, and it begins at the score's minimum: so it always answers. */
function checkLadder(image: usize, first: i32, count: i32, least: i32): bool {
  if (count < 1 || !within(first, count, sectionCount(image, SECTION_RUNG))) return false;
  const ladder = section(image, SECTION_RUNG) + first * RUNG_BYTES;
  if (load<i32>(ladder, RUNG_FROM_AT) > least) return false;
  for (let i = 1; i < count; i++) {
    const rung = ladder + i * RUNG_BYTES;
    if (load<i32>(rung, RUNG_FROM_AT) <= load<i32>(rung - RUNG_BYTES, RUNG_FROM_AT)) return false;
  }
  return true;
}
