/** Scores: signals summed within their groups, clamped; with the bounds that pending facts leave open. */
import {
  DECISION_SIGNAL_COUNT_AT,
  DECISION_SIGNAL_MATCHED_AT,
  DECISION_SIGNAL_POINTS_AT,
  GROUP_BYTES,
  GROUP_CAP_AT,
  GROUP_FLOOR_AT,
  OPERAND_FACT,
  RATE_KNOWN_AT,
  RATE_VALUE_AT,
  SCORE_FIRST_GROUP_AT,
  SCORE_FIRST_SIGNAL_AT,
  SCORE_GROUP_COUNT_AT,
  SCORE_MAX_AT,
  SCORE_MIN_AT,
  SCORE_SIGNAL_COUNT_AT,
  SECTION_GROUP,
  SECTION_SIGNAL,
  SIGNAL_BYTES,
  SIGNAL_CUBE_COUNT_AT,
  SIGNAL_FIRST_CUBE_AT,
  SIGNAL_GROUP_AT,
  SIGNAL_IS_RAMP_AT,
  SIGNAL_IS_SHADOW_AT,
  SIGNAL_OPERAND_AT,
  SIGNAL_OPERAND_KIND_AT,
  SIGNAL_PHASE_AT,
  SIGNAL_POINTS_AT,
  SIGNAL_X0_AT,
  SIGNAL_X1_AT,
  SIGNAL_Y0_AT,
  SIGNAL_Y1_AT,
  SLOT_STATE_AT,
  SLOT_VALUE_AT,
  STATE_CODES,
  STATE_NUMBER,
  STATE_STRINGS,
} from './abi/layout.gen';
import { clearWords } from './bytes';
import { evaluateCondition, MAYBE, NEVER } from './conditions';
import { section } from './image';
import { valueOf } from './lookups';
import { DECISION } from './memory';
import { slotOf } from './slots';

/** Points by group (the last one: signals without a group): now, least and most; 513 of them. */
const SUM_BYTES: i32 = 12;
const SUMS: usize = memory.data(6_160, 16);
/** The same of the shadow signals alone. */
const SHADOW_SUMS: usize = memory.data(6_160, 16);
const LOW_AT: usize = 4;
const HIGH_AT: usize = 8;

/** A score now, and the least and the most that pending facts can make of it. */
export const SCORED: usize = memory.data(16, 16);
export const SCORED_LOW_AT: usize = 4;
export const SCORED_HIGH_AT: usize = 8;

/** Evaluates the signals of `score` (an element of the image) and records them in the decision. */
export function evaluateSignals(image: usize, tables: usize, score: usize, phase: i32): void {
  const groups = load<i32>(score, SCORE_GROUP_COUNT_AT);
  const signals = load<i32>(score, SCORE_SIGNAL_COUNT_AT);
  clearWords(SUMS, (groups + 1) * SUM_BYTES);
  clearWords(SHADOW_SUMS, (groups + 1) * SUM_BYTES);
  store<u32>(DECISION, signals, DECISION_SIGNAL_COUNT_AT);
  let signal = section(image, SECTION_SIGNAL) + load<i32>(score, SCORE_FIRST_SIGNAL_AT) * SIGNAL_BYTES;
  for (let i = 0; i < signals; i++) {
    const group = load<i32>(signal, SIGNAL_GROUP_AT);
    const sums = load<u32>(signal, SIGNAL_IS_SHADOW_AT) != 0 ? SHADOW_SUMS : SUMS;
    evaluateSignal(image, tables, sums + (group < 0 ? groups : group) * SUM_BYTES, signal, i, phase);
    signal += SIGNAL_BYTES;
  }
}

/** A signal adds its points while its condition holds; one that may yet hold adds 0 now. */
function evaluateSignal(
  image: usize,
  tables: usize,
  sum: usize,
  signal: usize,
  index: i32,
  phase: i32,
): void {
  const state = evaluateCondition(
    image,
    load<i32>(signal, SIGNAL_FIRST_CUBE_AT),
    load<i32>(signal, SIGNAL_CUBE_COUNT_AT),
  );
  if (state == NEVER) return record(index, 0, false);
  const isRamp = load<u32>(signal, SIGNAL_IS_RAMP_AT) != 0;
  if (isRamp && load<i32>(signal, SIGNAL_PHASE_AT) > phase) {
    const y0 = load<i32>(signal, SIGNAL_Y0_AT);
    const y1 = load<i32>(signal, SIGNAL_Y1_AT);
    add(sum, 0, min(min(y0, y1), 0), max(max(y0, y1), 0));
    return record(index, 0, false);
  }
  const points = isRamp ? rampPoints(tables, signal) : load<i32>(signal, SIGNAL_POINTS_AT);
  if (state == MAYBE) {
    add(sum, 0, min(points, 0), max(points, 0));
    return record(index, 0, false);
  }
  add(sum, points, points, points);
  record(index, points, !isRamp || points != 0);
}

function add(sum: usize, now: i32, low: i32, high: i32): void {
  store<i32>(sum, load<i32>(sum) + now);
  store<i32>(sum, load<i32>(sum, LOW_AT) + low, LOW_AT);
  store<i32>(sum, load<i32>(sum, HIGH_AT) + high, HIGH_AT);
}

function record(index: i32, points: i32, matched: bool): void {
  store<i16>(DECISION + (index << 1), points, DECISION_SIGNAL_POINTS_AT);
  store<u8>(DECISION + index, matched ? 1 : 0, DECISION_SIGNAL_MATCHED_AT);
}

/** The points of a ramp whose operand's phase has come: 0 when the operand is unknown. */
function rampPoints(tables: usize, signal: usize): i32 {
  const operand = load<i32>(signal, SIGNAL_OPERAND_AT);
  const kind = load<i32>(signal, SIGNAL_OPERAND_KIND_AT);
  if (kind != OPERAND_FACT) {
    const rate = valueOf(tables, kind, operand);
    return load<u32>(rate, RATE_KNOWN_AT) != 0 ? ramp(signal, load<f64>(rate, RATE_VALUE_AT)) : 0;
  }
  const slot = slotOf(operand);
  const state = load<i32>(slot, SLOT_STATE_AT);
  const numeric = state == STATE_NUMBER || state == STATE_CODES || state == STATE_STRINGS;
  return numeric ? ramp(signal, load<f64>(slot, SLOT_VALUE_AT)) : 0;
}

/** Linear between the ends, held beyond them, rounded toward zero. */
export function ramp(signal: usize, x: f64): i32 {
  const x0 = load<f64>(signal, SIGNAL_X0_AT);
  const x1 = load<f64>(signal, SIGNAL_X1_AT);
  const y0 = load<i32>(signal, SIGNAL_Y0_AT);
  const y1 = load<i32>(signal, SIGNAL_Y1_AT);
  if (x <= x0) return y0;
  if (x >= x1) return y1;
  return <i32>trunc(<f64>y0 + (<f64>(y1 - y0) * (x - x0)) / (x1 - x0));
}

/** Writes to SCORED what the signals come to within the bounds of their groups and of the score. */
export function sumSignals(image: usize, score: usize, withShadow: bool): void {
  const groups = load<i32>(score, SCORE_GROUP_COUNT_AT);
  for (let at: usize = 0; at < <usize>SUM_BYTES; at += 4) {
    let total = sumOf(groups, at, withShadow);
    let group = section(image, SECTION_GROUP) + load<i32>(score, SCORE_FIRST_GROUP_AT) * GROUP_BYTES;
    for (let i = 0; i < groups; i++) {
      total += clamp(
        sumOf(i, at, withShadow),
        load<i32>(group, GROUP_FLOOR_AT),
        load<i32>(group, GROUP_CAP_AT),
      );
      group += GROUP_BYTES;
    }
    store<i32>(SCORED + at, clamp(total, load<i32>(score, SCORE_MIN_AT), load<i32>(score, SCORE_MAX_AT)));
  }
}

function sumOf(group: i32, at: usize, withShadow: bool): i32 {
  const offset = <usize>(group * SUM_BYTES) + at;
  const enforced = load<i32>(SUMS + offset);
  return withShadow ? enforced + load<i32>(SHADOW_SUMS + offset) : enforced;
}

function clamp(value: i32, least: i32, most: i32): i32 {
  return min(max(value, least), most);
}
