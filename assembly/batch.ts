/**
 * Scores of many clients at once, from columns: one per signal of a score, with a value for each row. Columns lie
 * where the host put them, so no row is ever copied. Rows are taken in blocks whose sums stay in the cache.
 */
import {
  GROUP_BYTES,
  GROUP_CAP_AT,
  GROUP_FLOOR_AT,
  MAX_BATCH_BYTES,
  SCORE_BYTES,
  SCORE_FIRST_GROUP_AT,
  SCORE_FIRST_SIGNAL_AT,
  SCORE_GROUP_COUNT_AT,
  SCORE_MAX_AT,
  SCORE_MIN_AT,
  SCORE_SIGNAL_COUNT_AT,
  SECTION_GROUP,
  SECTION_SCORE,
  SECTION_SIGNAL,
  SIGNAL_BYTES,
  SIGNAL_GROUP_AT,
  SIGNAL_IS_RAMP_AT,
  SIGNAL_IS_SHADOW_AT,
  SIGNAL_POINTS_AT,
  SIGNAL_X0_AT,
  SIGNAL_X1_AT,
  SIGNAL_Y0_AT,
  SIGNAL_Y1_AT,
  STATUS_BAD_ARGUMENT,
  STATUS_IMAGE_MISSING,
} from './abi/layout.gen';
import { section, sectionCount } from './image';
import { BATCH } from './memory';
import { ramp } from './score';
import { activeImage } from './state';

const BLOCK_ROWS: i32 = 64;
const BLOCK_BYTES: i32 = BLOCK_ROWS << 2;
/** A block of sums for each of at most 512 groups, and one for the signals without a group. */
const SUMS: usize = memory.data(513 * 256, 16);

/**
 * Scores `rows` rows by a score of the image in force. `columns` and `out` count from the start of BATCH: there lie
 * an i32 for each signal with its column's place (negative: there is none), and an i32 for each row. 0, or why not.
 */
export function scoreBatch(index: i32, rows: i32, columns: i32, out: i32): i32 {
  const image = activeImage();
  if (image == 0) return STATUS_IMAGE_MISSING;
  if (index < 0 || index >= sectionCount(image, SECTION_SCORE) || rows < 0) return STATUS_BAD_ARGUMENT;
  const score = section(image, SECTION_SCORE) + index * SCORE_BYTES;
  const signals = load<i32>(score, SCORE_SIGNAL_COUNT_AT);
  if (!fits(columns, signals, 4) || !fits(out, rows, 4)) return STATUS_BAD_ARGUMENT;
  const places = BATCH + columns;
  const first = section(image, SECTION_SIGNAL) + load<i32>(score, SCORE_FIRST_SIGNAL_AT) * SIGNAL_BYTES;
  for (let i = 0; i < signals; i++) {
    const place = load<i32>(places + (i << 2));
    const width = load<u32>(first + i * SIGNAL_BYTES, SIGNAL_IS_RAMP_AT) != 0 ? 8 : 1;
    if (place >= 0 && !fits(place, rows, width)) return STATUS_BAD_ARGUMENT;
  }
  const groups = load<i32>(score, SCORE_GROUP_COUNT_AT);
  for (let row = 0; row < rows; row += BLOCK_ROWS) {
    const count = min(BLOCK_ROWS, rows - row);
    memory.fill(SUMS, 0, (groups + 1) * BLOCK_BYTES);
    for (let i = 0; i < signals; i++) {
      const signal = first + i * SIGNAL_BYTES;
      const place = load<i32>(places + (i << 2));
      if (place < 0 || load<u32>(signal, SIGNAL_IS_SHADOW_AT) != 0) continue;
      const group = load<i32>(signal, SIGNAL_GROUP_AT);
      const sums = SUMS + (group < 0 ? groups : group) * BLOCK_BYTES;
      if (load<u32>(signal, SIGNAL_IS_RAMP_AT) != 0) addRamp(sums, signal, BATCH + place + (row << 3), count);
      else addPoints(sums, load<i32>(signal, SIGNAL_POINTS_AT), BATCH + place + row, count);
    }
    writeScores(image, score, groups, BATCH + out + (row << 2), count);
  }
  return 0;
}

/** `count` elements of `width` bytes from `offset` lie inside BATCH. */
function fits(offset: i32, count: i32, width: i32): bool {
  return offset >= 0 && offset <= MAX_BATCH_BYTES && count <= (MAX_BATCH_BYTES - offset) / width;
}

/** Adds the points to the sum of each row whose byte is not 0. May read up to 15 bytes beyond the column. */
function addPoints(sums: usize, points: i32, column: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) {
    const each = i32x4.splat(points);
    const zero = i32x4.splat(0);
    for (let i = 0; i < count; i += 16) {
      const holds = i8x16.ne(v128.load(column + i), zero);
      const low = i16x8.extend_low_i8x16_s(holds);
      const high = i16x8.extend_high_i8x16_s(holds);
      const at = sums + (i << 2);
      addLanes(at, v128.and(i32x4.extend_low_i16x8_s(low), each));
      addLanes(at + 16, v128.and(i32x4.extend_high_i16x8_s(low), each));
      addLanes(at + 32, v128.and(i32x4.extend_low_i16x8_s(high), each));
      addLanes(at + 48, v128.and(i32x4.extend_high_i16x8_s(high), each));
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    const at = sums + (i << 2);
    store<i32>(at, load<i32>(at) + (load<u8>(column + i) != 0 ? points : 0));
  }
}

/** Adds the ramp's points to each row's sum; a row that is not a number gets none. */
function addRamp(sums: usize, signal: usize, column: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) {
    const x0 = load<f64>(signal, SIGNAL_X0_AT);
    const x1 = load<f64>(signal, SIGNAL_X1_AT);
    const y0 = load<i32>(signal, SIGNAL_Y0_AT);
    const y1 = load<i32>(signal, SIGNAL_Y1_AT);
    const from = f64x2.splat(x0);
    const to = f64x2.splat(x1);
    const width = f64x2.splat(x1 - x0);
    const low = f64x2.splat(<f64>y0);
    const high = f64x2.splat(<f64>y1);
    const rise = f64x2.splat(<f64>(y1 - y0));
    for (let i = 0; i < count; i += 2) {
      const x = v128.load(column + (i << 3));
      let y = f64x2.add(low, f64x2.div(f64x2.mul(rise, f64x2.sub(x, from)), width));
      y = v128.bitselect(low, y, f64x2.le(x, from));
      y = v128.bitselect(high, y, f64x2.ge(x, to));
      // Truncation makes 0 of what is not a number.
      const points = i32x4.trunc_sat_f64x2_s_zero(y);
      const at = sums + (i << 2);
      v128.store64_lane(at, i32x4.add(v128.load64_zero(at), points), 0);
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    const x = load<f64>(column + (i << 3));
    const at = sums + (i << 2);
    if (!Number.isNaN(x)) store<i32>(at, load<i32>(at) + ramp(signal, x));
  }
}

/** Bounds the groups' sums and their total. The SIMD build writes whole vectors while they fit. */
function writeScores(image: usize, score: usize, groups: i32, out: usize, count: i32): void {
  const least = load<i32>(score, SCORE_MIN_AT);
  const most = load<i32>(score, SCORE_MAX_AT);
  const first = section(image, SECTION_GROUP) + load<i32>(score, SCORE_FIRST_GROUP_AT) * GROUP_BYTES;
  const loose = SUMS + groups * BLOCK_BYTES;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 4 <= count; i += 4) {
      let total = v128.load(loose + (i << 2));
      for (let g = 0; g < groups; g++) {
        const group = first + g * GROUP_BYTES;
        const sum = v128.load(SUMS + g * BLOCK_BYTES + (i << 2));
        const floored = i32x4.max_s(sum, v128.load32_splat(group, GROUP_FLOOR_AT));
        total = i32x4.add(total, i32x4.min_s(floored, v128.load32_splat(group, GROUP_CAP_AT)));
      }
      v128.store(out + (i << 2), i32x4.min_s(i32x4.max_s(total, i32x4.splat(least)), i32x4.splat(most)));
    }
  }
  for (; i < count; i++) {
    let total = load<i32>(loose + (i << 2));
    for (let g = 0; g < groups; g++) {
      const group = first + g * GROUP_BYTES;
      const sum = load<i32>(SUMS + g * BLOCK_BYTES + (i << 2));
      total += min(max(sum, load<i32>(group, GROUP_FLOOR_AT)), load<i32>(group, GROUP_CAP_AT));
    }
    store<i32>(out + (i << 2), min(max(total, least), most));
  }
}

function addLanes(at: usize, points: v128): void {
  v128.store(at, i32x4.add(v128.load(at), points));
}
