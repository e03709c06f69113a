/**
 * Patterns as automata: a state for each byte read, found by the state before and the byte's class. One step a byte,
 * whatever the pattern and the text.
 */
import {
  MAX_PATTERN_STEPS,
  PATTERN_BYTES,
  PATTERN_CLASS_OF_AT,
  PATTERN_CLASSES_AT,
  PATTERN_FIRST_ACCEPTING_AT,
  PATTERN_START_AT,
  PATTERN_STATES_AT,
  TABLE_OFFSET_AT,
} from './abi/layout.gen';

const BYTES: u32 = 256;

/** Does a text match the pattern of a table? The tables have been verified. */
export function matches(tables: usize, table: usize, at: usize, length: i32): bool {
  const pattern = tables + load<u32>(table, TABLE_OFFSET_AT);
  const classes = load<u32>(pattern, PATTERN_CLASSES_AT);
  const steps = pattern + PATTERN_BYTES;
  const end = at + length;
  let state = load<u32>(pattern, PATTERN_START_AT);
  for (let p = at; p < end; p++) {
    const step = state * classes + load<u8>(pattern + load<u8>(p), PATTERN_CLASS_OF_AT);
    state = load<u16>(steps + ((<usize>step) << 1));
  }
  return state >= load<u32>(pattern, PATTERN_FIRST_ACCEPTING_AT);
}

/**
 * How many steps a pattern at `pattern` has, of which `room` bytes are inside the region; 0 when it is not one whose
 * every step leads to a state of its own.
 */
export function checkPattern(pattern: usize, room: u32): u32 {
  if (room < <u32>PATTERN_BYTES) return 0;
  const states = load<u32>(pattern, PATTERN_STATES_AT);
  const classes = load<u32>(pattern, PATTERN_CLASSES_AT);
  if (states == 0 || states > 0xffff || classes == 0 || classes > BYTES) return 0;
  const count = states * classes;
  if (count > <u32>MAX_PATTERN_STEPS || (room - PATTERN_BYTES) >> 1 < count) return 0;
  if (load<u32>(pattern, PATTERN_START_AT) >= states) return 0;
  for (let byte: usize = 0; byte < BYTES; byte++) {
    if (<u32>load<u8>(pattern + byte, PATTERN_CLASS_OF_AT) >= classes) return 0;
  }
  for (let i: u32 = 0; i < count; i++) {
    if (<u32>load<u16>(pattern + PATTERN_BYTES + ((<usize>i) << 1)) >= states) return 0;
  }
  return count;
}
