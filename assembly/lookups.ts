/** Maps: the score that a table gives a fact. An operand names the fact, the map, and where texts are looked up. */
import {
  LEAF_SCORES_AT,
  MEMBERSHIP_SCORES_AT,
  OPERAND_LOOKUP,
  RATE_BYTES,
  RATE_KNOWN_AT,
  RATE_VALUE_AT,
  SLOT_LENGTH_AT,
  SLOT_OFFSET_AT,
  SLOT_STATE_AT,
  SLOT_VALUE_AT,
  STATE_BYTES,
  STATE_IP4,
  STATE_IP6,
  STATE_NUMBER,
} from './abi/layout.gen';
import { leafOf } from './leaf';
import { VALUES, VALUES_BYTES } from './memory';
import { findMember } from './sets';
import { rateOf, slotOf } from './slots';

/** Parts of an operand's index: the fact, the map, and whether texts are host names. */
export const MAP_SHIFT: i32 = 8;
export const HOSTS_SHIFT: i32 = 16;
/** The score found, as the rate of a counter would stand. */
const FOUND: usize = memory.data(RATE_BYTES, 16);
/** A number as a member of a set of texts: four bytes, the lowest first. */
const NUMBER: usize = memory.data(4, 4);
const MAX_NUMBER: f64 = 4_294_967_295;

/** What an operand that is no fact comes to: known or not, and its value. */
export function valueOf(tables: usize, kind: i32, index: i32): usize {
  if (kind != OPERAND_LOOKUP) return rateOf(kind, index);
  const score = tables == 0 ? 0 : scoreOf(tables, index);
  store<u32>(FOUND, score == 0 ? 0 : 1, RATE_KNOWN_AT);
  store<f64>(FOUND, <f64>score - 1, RATE_VALUE_AT);
  return FOUND;
}

/** One more than the score; 0: the fact is not known, or in no member of the map. */
function scoreOf(tables: usize, index: i32): u32 {
  const slot = slotOf(index & 0xff);
  const map = <usize>((index >> MAP_SHIFT) & 0xff);
  const state = load<i32>(slot, SLOT_STATE_AT);
  if (state == STATE_IP4 || state == STATE_IP6) {
    const leaf = leafOf(tables, slot);
    return leaf == 0 ? 0 : load<u8>(leaf + map, LEAF_SCORES_AT);
  }
  if (state == STATE_NUMBER) {
    const value = load<f64>(slot, SLOT_VALUE_AT);
    if (!(value >= 0 && value <= MAX_NUMBER)) return 0;
    store<u32>(NUMBER, <u32>value);
    return ofMember(findMember(tables, NUMBER, 4, false), map);
  }
  if (state != STATE_BYTES) return 0;
  const offset = load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<u32>(slot, SLOT_LENGTH_AT);
  // A host writes slots itself, so what they point at is checked before it is read.
  if (offset > <u32>VALUES_BYTES || length > <u32>VALUES_BYTES - offset) return 0;
  return ofMember(findMember(tables, VALUES + offset, length, index >> HOSTS_SHIFT != 0), map);
}

function ofMember(found: usize, map: usize): u32 {
  return found == 0 ? 0 : load<u8>(found + map, MEMBERSHIP_SCORES_AT);
}
