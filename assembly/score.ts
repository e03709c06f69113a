/** Scores: signals summed within their groups, clamped; with the bounds that pending facts leave open. */
import {
  DECISION_SCORE_AT,
  DECISION_SCORE_HIGH_AT,
  DECISION_SCORE_LOW_AT,
  DECISION_SIGNAL_COUNT_AT,
  DECISION_SIGNAL_MATCHED_AT,
  DECISION_SIGNAL_POINTS_AT,
  GROUP_BYTES,
  GROUP_CAP_AT,
  GROUP_FLOOR_AT,
  OPERAND_COUNTER,
  RATE_BYTES,
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
import { evaluateCondition, HOLDS, MAYBE } from './conditions';
import { section } from './image';
import { DECISION, RATES } from './memory';
import { slotOf } from './slots';

/** Sums by group (the last one: signals without a group): points now, least and most. */
const SUM_BYTES: i32 = 12;
const SUMS: usize = memory.data(6_160, 8);
const NO_VALUE: f64 = -Infinity;
const LOW_AT: usize = 4;
const HIGH_AT: usize = 8;

/** Scores by `score` (an element of the image) and fills in the decision's score part. */
export function evaluateScore(image: usize, score: usize, phase: i32): void {
  const groups = load<i32>(score, SCORE_GROUP_COUNT_AT);
  const signals = load<i32>(score, SCORE_SIGNAL_COUNT_AT);
  memory.fill(SUMS, 0, (groups + 1) * SUM_BYTES);
  store<u32>(DECISION, signals, DECISION_SIGNAL_COUNT_AT);
  let signal = section(image, SECTION_SIGNAL) + load<i32>(score, SCORE_FIRST_SIGNAL_AT) * SIGNAL_BYTES;
  for (let i = 0; i < signals; i++) {
    const group = load<i32>(signal, SIGNAL_GROUP_AT);
    const sum = SUMS + (group < 0 ? groups : group) * SUM_BYTES;
    if (load<u32>(signal, SIGNAL_IS_RAMP_AT) != 0) addRamp(sum, signal, i, phase);
    else addPoints(image, sum, signal, i);
    signal += SIGNAL_BYTES;
  }
  clampAll(image, score, groups);
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

function addPoints(image: usize, sum: usize, signal: usize, index: i32): void {
  const points = load<i32>(signal, SIGNAL_POINTS_AT);
  const state = evaluateCondition(
    image,
    load<i32>(signal, SIGNAL_FIRST_CUBE_AT),
    load<i32>(signal, SIGNAL_CUBE_COUNT_AT),
  );
  record(index, state == HOLDS ? points : 0, state == HOLDS);
  if (state == HOLDS) add(sum, points, points, points);
  else if (state == MAYBE) add(sum, 0, min(points, 0), max(points, 0));
}

/** An unknown operand adds 0; a pending one may yet add 0 or anything between the ramp's ends. */
function addRamp(sum: usize, signal: usize, index: i32, phase: i32): void {
  const y0 = load<i32>(signal, SIGNAL_Y0_AT);
  const y1 = load<i32>(signal, SIGNAL_Y1_AT);
  let points = 0;
  if (load<i32>(signal, SIGNAL_PHASE_AT) > phase) {
    add(sum, 0, min(min(y0, y1), 0), max(max(y0, y1), 0));
  } else {
    const x = operandValue(signal);
    if (x != NO_VALUE) points = ramp(signal, x, y0, y1);
    add(sum, points, points, points);
  }
  record(index, points, points != 0);
}

/** The operand's number, NO_VALUE when it has none. */
function operandValue(signal: usize): f64 {
  const operand = load<i32>(signal, SIGNAL_OPERAND_AT);
  if (load<i32>(signal, SIGNAL_OPERAND_KIND_AT) == OPERAND_COUNTER) {
    const rate = RATES + operand * RATE_BYTES;
    return load<u32>(rate, RATE_KNOWN_AT) != 0 ? load<f64>(rate, RATE_VALUE_AT) : NO_VALUE;
  }
  const slot = slotOf(operand);
  const state = load<i32>(slot, SLOT_STATE_AT);
  const numeric = state == STATE_NUMBER || state == STATE_CODES || state == STATE_STRINGS;
  return numeric ? load<f64>(slot, SLOT_VALUE_AT) : NO_VALUE;
}

/** Linear between the ends, held beyond them, rounded toward zero. */
function ramp(signal: usize, x: f64, y0: i32, y1: i32): i32 {
  const x0 = load<f64>(signal, SIGNAL_X0_AT);
  const x1 = load<f64>(signal, SIGNAL_X1_AT);
  if (x <= x0) return y0;
  if (x >= x1) return y1;
  return <i32>trunc(<f64>y0 + (<f64>(y1 - y0) * (x - x0)) / (x1 - x0));
}

function clampAll(image: usize, score: usize, groups: i32): void {
  const ungrouped = SUMS + groups * SUM_BYTES;
  let now = load<i32>(ungrouped);
  let low = load<i32>(ungrouped, LOW_AT);
  let high = load<i32>(ungrouped, HIGH_AT);
  let group = section(image, SECTION_GROUP) + load<i32>(score, SCORE_FIRST_GROUP_AT) * GROUP_BYTES;
  for (let i = 0; i < groups; i++) {
    const sum = SUMS + i * SUM_BYTES;
    const floor = load<i32>(group, GROUP_FLOOR_AT);
    const cap = load<i32>(group, GROUP_CAP_AT);
    now += clamp(load<i32>(sum), floor, cap);
    low += clamp(load<i32>(sum, LOW_AT), floor, cap);
    high += clamp(load<i32>(sum, HIGH_AT), floor, cap);
    group += GROUP_BYTES;
  }
  const least = load<i32>(score, SCORE_MIN_AT);
  const most = load<i32>(score, SCORE_MAX_AT);
  store<i32>(DECISION, clamp(now, least, most), DECISION_SCORE_AT);
  store<i32>(DECISION, clamp(low, least, most), DECISION_SCORE_LOW_AT);
  store<i32>(DECISION, clamp(high, least, most), DECISION_SCORE_HIGH_AT);
}

function clamp(value: i32, least: i32, most: i32): i32 {
  return min(max(value, least), most);
}
