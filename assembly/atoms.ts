/**
 * Atoms: tests of one fact or rate, with Kleene's three values and `pending` for what a later phase brings. Those of
 * one operand stand together, sorted by kind, so that it is fetched and looked up once for all of them.
 */
import {
  ATOM_ALL,
  ATOM_ANY,
  ATOM_BYTES,
  ATOM_CIDR,
  ATOM_FIRST_VALUE_AT,
  ATOM_HASH,
  ATOM_HOST,
  ATOM_KNOWN,
  ATOM_MAX_AT,
  ATOM_MIN_AT,
  ATOM_NUMBER,
  ATOM_PATTERN,
  ATOM_RANGE,
  ATOM_VALUE_COUNT_AT,
  LEAF_LISTS_AT,
  OPERAND_BYTES,
  OPERAND_ENDS_AT,
  OPERAND_FACT,
  OPERAND_FIRST_ATOM_AT,
  OPERAND_INDEX_AT,
  OPERAND_KIND_AT,
  OPERAND_PHASE_AT,
  RATE_KNOWN_AT,
  RATE_VALUE_AT,
  SECTION_ATOM,
  SECTION_OPERAND,
  SECTION_VALUE,
  SLOT_LENGTH_AT,
  SLOT_OFFSET_AT,
  SLOT_STATE_AT,
  SLOT_VALUE_AT,
  STATE_BYTES,
  STATE_CODES,
  STATE_NUMBER,
  STATE_STRINGS,
  STATE_UNKNOWN,
  TABLE_BYTES,
  TABLE_CIDR,
  TABLE_HASH,
  TABLE_HOST,
  TABLE_KIND_AT,
  TABLE_NUMBER,
  TABLE_OFFSET_AT,
  TABLE_PATTERN,
  TABLES_HEADER_BYTES,
  TABLES_HEADER_COUNT_AT,
  TABLES_HEADER_MISSING_AT,
} from './abi/layout.gen';
import { clearWords } from './bytes';
import { section, sectionCount } from './image';
import { leafOf } from './leaf';
import { valueOf } from './lookups';
import { VALUES, VALUES_BYTES } from './memory';
import { matches } from './patterns';
import { findSets, inNumbers, isFound } from './sets';
import { slotOf } from './slots';

/**
 * One bit per atom: is it definitely true, or false; is it so or may yet be, since its operand is pending. An atom in
 * none of them is unknown.
 */
export const ATOMS_TRUE: usize = memory.data(64, 16);
export const ATOMS_FALSE: usize = ATOMS_TRUE + 16;
export const ATOMS_MAYBE_TRUE: usize = ATOMS_TRUE + 32;
export const ATOMS_MAYBE_FALSE: usize = ATOMS_TRUE + 48;

const ALL: u64 = ~(<u64>0);
const ONE: u64 = 1;
/** The last of the kinds. */
const LAST_KIND: i32 = ATOM_PATTERN;

/** Evaluates every operand with an atom whose bit is set in the 16 bytes at `wanted`; the other atoms are unknown. */
export function evaluateAtoms(image: usize, tables: usize, wanted: usize, phase: i32): void {
  clearWords(ATOMS_TRUE, 64);
  let operand = section(image, SECTION_OPERAND);
  const end = operand + sectionCount(image, SECTION_OPERAND) * OPERAND_BYTES;
  for (; operand < end; operand += OPERAND_BYTES) {
    const bits = bitsOf(operand, 0, endOf(operand, LAST_KIND));
    if ((bits & load<u64>(wanted + wordAt(operand))) == 0) continue;
    if (load<i32>(operand, OPERAND_PHASE_AT) > phase) {
      set(ATOMS_MAYBE_TRUE, operand, bits);
      set(ATOMS_MAYBE_FALSE, operand, bits);
    } else if (load<i32>(operand, OPERAND_KIND_AT) == OPERAND_FACT) evaluateFact(image, tables, operand);
    else evaluateRate(image, tables, operand);
  }
}

/** Where the word with the bits of the operand's atoms is in each of the bit strings. */
function wordAt(operand: usize): usize {
  return (firstOf(operand) >> 6) << 3;
}

function firstOf(operand: usize): i32 {
  return load<i32>(operand, OPERAND_FIRST_ATOM_AT);
}

/** Atoms of a kind stand, from the operand's first on, before this one and behind the last of the kind before. */
function endOf(operand: usize, kind: i32): i32 {
  return load<u8>(operand + kind, OPERAND_ENDS_AT);
}

function startOf(operand: usize, kind: i32): i32 {
  return kind == 0 ? 0 : endOf(operand, kind - 1);
}

/** The bits of the operand's atoms from `from` to before `to`. */
function bitsOf(operand: usize, from: i32, to: i32): u64 {
  return from == to ? 0 : (ALL >> (64 + from - to)) << (firstOf(operand) + from);
}

function set(truths: usize, operand: usize, bits: u64): void {
  const at = truths + wordAt(operand);
  store<u64>(at, load<u64>(at) | bits);
}

/** Of the atoms in `bits`, those in `holding` are true and the others false. */
function settle(operand: usize, bits: u64, holding: u64): void {
  set(ATOMS_TRUE, operand, holding);
  set(ATOMS_FALSE, operand, bits & ~holding);
  set(ATOMS_MAYBE_TRUE, operand, holding);
  set(ATOMS_MAYBE_FALSE, operand, bits & ~holding);
}

function bitOf(operand: usize, index: i32): u64 {
  return ONE << (firstOf(operand) + index);
}

function atomAt(image: usize, operand: usize, index: i32): usize {
  return section(image, SECTION_ATOM) + (firstOf(operand) + index) * ATOM_BYTES;
}

function evaluateRate(image: usize, tables: usize, operand: usize): void {
  const rate = valueOf(tables, load<i32>(operand, OPERAND_KIND_AT), load<i32>(operand, OPERAND_INDEX_AT));
  const isKnown = load<u32>(rate, RATE_KNOWN_AT) != 0;
  evaluateKnown(operand, isKnown);
  if (isKnown) evaluateRanges(image, operand, load<f64>(rate, RATE_VALUE_AT));
}

function evaluateFact(image: usize, tables: usize, operand: usize): void {
  const slot = slotOf(load<i32>(operand, OPERAND_INDEX_AT));
  const state = load<i32>(slot, SLOT_STATE_AT);
  evaluateKnown(operand, state != STATE_UNKNOWN);
  if (state == STATE_UNKNOWN) return;
  if (state == STATE_NUMBER || state == STATE_CODES || state == STATE_STRINGS) {
    evaluateRanges(image, operand, load<f64>(slot, SLOT_VALUE_AT));
  }
  if (endOf(operand, LAST_KIND) == endOf(operand, ATOM_RANGE)) return;
  if (state != STATE_NUMBER && !hasBytes(slot)) return;
  if (state == STATE_NUMBER || state == STATE_CODES) {
    evaluateCodes(image, operand, slot);
    if (tables != 0) evaluateNumbers(image, tables, operand, slot);
  } else if (tables != 0) {
    if (state == STATE_BYTES || state == STATE_STRINGS) {
      evaluateSets(image, tables, operand, slot, ATOM_HASH);
      evaluateSets(image, tables, operand, slot, ATOM_HOST);
      evaluatePatterns(image, tables, operand, slot);
    } else evaluateLists(image, tables, operand, slot);
  }
}

/** A host writes slots itself, so what they point at is checked before it is read. */
function hasBytes(slot: usize): bool {
  const offset = load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<u32>(slot, SLOT_LENGTH_AT);
  return offset <= <u32>VALUES_BYTES && length <= <u32>VALUES_BYTES - offset;
}

function evaluateKnown(operand: usize, isKnown: bool): void {
  const bits = bitsOf(operand, 0, endOf(operand, ATOM_KNOWN));
  if (bits != 0) settle(operand, bits, isKnown ? bits : 0);
}

function evaluateRanges(image: usize, operand: usize, value: f64): void {
  const from = startOf(operand, ATOM_RANGE);
  const to = endOf(operand, ATOM_RANGE);
  if (from == to) return;
  let atom = atomAt(image, operand, from);
  const first = firstOf(operand);
  let holding: u64 = 0;
  for (let i = from; i < to; i++) {
    const isAbove = u64(load<f64>(atom, ATOM_MIN_AT) <= value);
    const isBelow = u64(value <= load<f64>(atom, ATOM_MAX_AT));
    holding |= (isAbove & isBelow) << (first + i);
    atom += ATOM_BYTES;
  }
  settle(operand, bitsOf(operand, from, to), holding);
}

/** Do any or all of an atom's ascending values occur in the slot's codes? */
function evaluateCodes(image: usize, operand: usize, slot: usize): void {
  const from = startOf(operand, ATOM_ANY);
  const all = startOf(operand, ATOM_ALL);
  const to = endOf(operand, ATOM_ALL);
  let holding: u64 = 0;
  for (let i = from; i < to; i++) {
    const atom = atomAt(image, operand, i);
    const values = section(image, SECTION_VALUE) + (load<i32>(atom, ATOM_FIRST_VALUE_AT) << 2);
    const count = load<i32>(atom, ATOM_VALUE_COUNT_AT);
    if (hasValues(slot, values, count, i >= all)) holding |= bitOf(operand, i);
  }
  settle(operand, bitsOf(operand, from, to), holding);
}

function hasValues(slot: usize, values: usize, count: i32, wantsAll: bool): bool {
  if (load<i32>(slot, SLOT_STATE_AT) == STATE_NUMBER) {
    return holds(values, count, load<f64>(slot, SLOT_VALUE_AT));
  }
  const codes = VALUES + load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<i32>(slot, SLOT_LENGTH_AT) >> 1;
  if (!wantsAll && count > 1) {
    for (let i = 0; i < length; i++) if (holds(values, count, load<u16>(codes + (i << 1)))) return true;
    return false;
  }
  for (let i = 0; i < count; i++) if (!hasCode(codes, length, load<u32>(values + (i << 2)))) return false;
  return wantsAll || count > 0;
}

/** Binary search. */
function holds(values: usize, count: i32, value: f64): bool {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = <f64>load<u32>(values + (middle << 2));
    if (found == value) return true;
    if (found < value) low = middle + 1;
    else high = middle;
  }
  return false;
}

function hasCode(codes: usize, length: i32, value: u32): bool {
  for (let i = 0; i < length; i++) if (load<u16>(codes + (i << 1)) == value) return true;
  return false;
}

/** The table of an atom, 0 when it is missing or of another kind. */
function tableOf(tables: usize, atom: usize, kind: i32): usize {
  const index = load<u32>(atom, ATOM_FIRST_VALUE_AT);
  if (index >= load<u32>(tables, TABLES_HEADER_COUNT_AT)) return 0;
  const table = tables + TABLES_HEADER_BYTES + index * TABLE_BYTES;
  return load<i32>(table, TABLE_KIND_AT) == kind ? table : 0;
}

/** Membership of an address in lists. */
function evaluateLists(image: usize, tables: usize, operand: usize, slot: usize): void {
  const from = startOf(operand, ATOM_CIDR);
  const to = endOf(operand, ATOM_CIDR);
  if (from == to) return;
  const leaf = leafOf(tables, slot);
  if (leaf == 0) return;
  const lists = load<u64>(leaf, LEAF_LISTS_AT);
  if (lists == 0 && load<u32>(tables, TABLES_HEADER_MISSING_AT) == 0) {
    settle(operand, bitsOf(operand, from, to), 0);
    return;
  }
  for (let i = from; i < to; i++) {
    const table = tableOf(tables, atomAt(image, operand, i), TABLE_CIDR);
    if (table == 0) continue;
    const bit = bitOf(operand, i);
    settle(operand, bit, bit * ((lists >> load<u32>(table, TABLE_OFFSET_AT)) & 1));
  }
}

/** Membership of texts in sets of values or, with ATOM_HOST, of names. */
function evaluateSets(image: usize, tables: usize, operand: usize, slot: usize, kind: i32): void {
  const from = startOf(operand, kind);
  const to = endOf(operand, kind);
  if (from == to) return;
  const found = findSets(tables, slot, kind == ATOM_HOST);
  if (!found && load<u32>(tables, TABLES_HEADER_MISSING_AT) == 0) {
    settle(operand, bitsOf(operand, from, to), 0);
    return;
  }
  for (let i = from; i < to; i++) {
    const atom = atomAt(image, operand, i);
    if (tableOf(tables, atom, kind == ATOM_HOST ? TABLE_HOST : TABLE_HASH) == 0) continue;
    const bit = bitOf(operand, i);
    settle(operand, bit, isFound(load<u32>(atom, ATOM_FIRST_VALUE_AT)) ? bit : 0);
  }
}

/** Does a text, or any text of a list, match a pattern? */
function evaluatePatterns(image: usize, tables: usize, operand: usize, slot: usize): void {
  const to = endOf(operand, ATOM_PATTERN);
  for (let i = startOf(operand, ATOM_PATTERN); i < to; i++) {
    const table = tableOf(tables, atomAt(image, operand, i), TABLE_PATTERN);
    if (table == 0) continue;
    const bit = bitOf(operand, i);
    settle(operand, bit, matchesAny(tables, table, slot) ? bit : 0);
  }
}

function matchesAny(tables: usize, table: usize, slot: usize): bool {
  let at = VALUES + load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<i32>(slot, SLOT_LENGTH_AT);
  if (load<i32>(slot, SLOT_STATE_AT) == STATE_BYTES) return matches(tables, table, at, length);
  for (const end = at + length; at < end; ) {
    const size = <i32>load<u8>(at++);
    if (at + size > end) break;
    if (matches(tables, table, at, size)) return true;
    at += size;
  }
  return false;
}

/** Membership of numbers or codes in tables of numbers. */
function evaluateNumbers(image: usize, tables: usize, operand: usize, slot: usize): void {
  const to = endOf(operand, ATOM_NUMBER);
  for (let i = startOf(operand, ATOM_NUMBER); i < to; i++) {
    const table = tableOf(tables, atomAt(image, operand, i), TABLE_NUMBER);
    if (table == 0) continue;
    const bit = bitOf(operand, i);
    settle(operand, bit, numberIn(tables, table, slot) ? bit : 0);
  }
}

function numberIn(tables: usize, table: usize, slot: usize): bool {
  if (load<i32>(slot, SLOT_STATE_AT) == STATE_NUMBER) {
    return inNumbers(tables, table, load<f64>(slot, SLOT_VALUE_AT));
  }
  const codes = VALUES + load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<i32>(slot, SLOT_LENGTH_AT) >> 1;
  for (let i = 0; i < length; i++) if (inNumbers(tables, table, load<u16>(codes + (i << 1)))) return true;
  return false;
}
