/** Fact slots: what is known about the connection, by fact index. */
import {
  MAX_CANARIES,
  MAX_COUNTERS,
  MAX_FACTS,
  OPERAND_COUNTER,
  RATE_BYTES,
  SLOT_BYTES,
  SLOT_LENGTH_AT,
  SLOT_OFFSET_AT,
  SLOT_STATE_AT,
  SLOT_VALUE_AT,
  STATE_BYTES,
  STATE_CODES,
  STATE_NUMBER,
  STATE_STRINGS,
  STATE_UNKNOWN,
} from './abi/layout.gen';
import { DRAWS, RATES, SLOTS, VALUES } from './memory';

/** Makes every fact, rate and draw unknown. */
export function clearSlots(): void {
  memory.fill(SLOTS, 0, MAX_FACTS * SLOT_BYTES);
  memory.fill(RATES, 0, (MAX_COUNTERS + MAX_CANARIES) * RATE_BYTES);
}

/** Where the rate of a counter or the draw of a canary is. */
export function rateOf(operandKind: i32, index: i32): usize {
  return (operandKind == OPERAND_COUNTER ? RATES : DRAWS) + index * RATE_BYTES;
}

export function slotOf(fact: i32): usize {
  return SLOTS + fact * SLOT_BYTES;
}

export function setUnknown(fact: i32): void {
  store<u32>(slotOf(fact), STATE_UNKNOWN, SLOT_STATE_AT);
}

export function setNumber(fact: i32, value: f64): void {
  const slot = slotOf(fact);
  store<u32>(slot, STATE_NUMBER, SLOT_STATE_AT);
  store<f64>(slot, value, SLOT_VALUE_AT);
}

/** A byte string at `at`, inside VALUES. */
export function setBytes(fact: i32, at: usize, length: i32): void {
  fill(fact, STATE_BYTES, at, length, 0);
}

/** `count` u16 codes at `at`, inside VALUES. */
export function setCodes(fact: i32, at: usize, count: i32): void {
  fill(fact, STATE_CODES, at, count << 1, count);
}

/** `count` strings, each after a byte with its length, at `at`, inside VALUES. */
export function setStrings(fact: i32, at: usize, length: i32, count: i32): void {
  fill(fact, STATE_STRINGS, at, length, count);
}

function fill(fact: i32, state: i32, at: usize, length: i32, count: i32): void {
  const slot = slotOf(fact);
  store<u32>(slot, state, SLOT_STATE_AT);
  store<u32>(slot, <u32>(at - VALUES), SLOT_OFFSET_AT);
  store<u32>(slot, length, SLOT_LENGTH_AT);
  store<f64>(slot, count, SLOT_VALUE_AT);
}
