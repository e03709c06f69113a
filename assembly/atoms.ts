/** Atoms: tests of one fact or rate, with Kleene's three values and `pending` for what a later phase brings. */
import {
  ATOM_ALL,
  ATOM_ANY,
  ATOM_BYTES,
  ATOM_FIRST_VALUE_AT,
  ATOM_KIND_AT,
  ATOM_KNOWN,
  ATOM_MAX_AT,
  ATOM_MIN_AT,
  ATOM_OPERAND_AT,
  ATOM_OPERAND_KIND_AT,
  ATOM_PHASE_AT,
  ATOM_RANGE,
  ATOM_VALUE_COUNT_AT,
  LEAF_LISTS_AT,
  OPERAND_FACT,
  RATE_KNOWN_AT,
  RATE_VALUE_AT,
  SECTION_ATOM,
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
  TABLES_HEADER_BYTES,
  TABLES_HEADER_COUNT_AT,
} from './abi/layout.gen';
import { section } from './image';
import { leafOf } from './leaf';
import { VALUES, VALUES_BYTES } from './memory';
import { inHash, inHosts, inNumbers } from './sets';
import { rateOf, slotOf } from './slots';

const FALSE: i32 = 0;
const TRUE: i32 = 1;
const UNKNOWN: i32 = 2;
const PENDING: i32 = 3;

/** One bit per atom: definitely true, definitely false, pending. An atom in none of them is unknown. */
export const ATOMS_TRUE: usize = memory.data(48, 16);
export const ATOMS_FALSE: usize = ATOMS_TRUE + 16;
export const ATOMS_PENDING: usize = ATOMS_TRUE + 32;

function truth(condition: bool): i32 {
  return condition ? TRUE : FALSE;
}

/** Evaluates the atoms whose bits are set in the 16 bytes at `wanted`; the others are unknown. */
export function evaluateAtoms(image: usize, tables: usize, wanted: usize, phase: i32): void {
  evaluateWord(image, tables, load<u64>(wanted), 0, phase);
  evaluateWord(image, tables, load<u64>(wanted, 8), 64, phase);
}

function evaluateWord(image: usize, tables: usize, wanted: u64, first: i32, phase: i32): void {
  const atoms = section(image, SECTION_ATOM) + first * ATOM_BYTES;
  let whenTrue: u64 = 0;
  let whenFalse: u64 = 0;
  let pending: u64 = 0;
  for (let left = wanted; left != 0; left &= left - 1) {
    const i = <i32>ctz<u64>(left);
    const state = evaluate(image, tables, atoms + i * ATOM_BYTES, phase);
    const bit = (<u64>1) << i;
    if (state == FALSE) whenFalse |= bit;
    else if (state == TRUE) whenTrue |= bit;
    else if (state == PENDING) pending |= bit;
  }
  const at = first >> 3;
  store<u64>(ATOMS_TRUE + at, whenTrue);
  store<u64>(ATOMS_FALSE + at, whenFalse);
  store<u64>(ATOMS_PENDING + at, pending);
}

function evaluate(image: usize, tables: usize, atom: usize, phase: i32): i32 {
  if (load<i32>(atom, ATOM_PHASE_AT) > phase) return PENDING;
  const kind = load<i32>(atom, ATOM_KIND_AT);
  const operand = load<i32>(atom, ATOM_OPERAND_AT);
  const operandKind = load<i32>(atom, ATOM_OPERAND_KIND_AT);
  if (operandKind != OPERAND_FACT) {
    const rate = rateOf(operandKind, operand);
    const known = load<u32>(rate, RATE_KNOWN_AT) != 0;
    if (kind == ATOM_KNOWN) return truth(known);
    return known && kind == ATOM_RANGE ? inRange(atom, load<f64>(rate, RATE_VALUE_AT)) : UNKNOWN;
  }
  const slot = slotOf(operand);
  const state = load<i32>(slot, SLOT_STATE_AT);
  if (kind == ATOM_KNOWN) return truth(state != STATE_UNKNOWN);
  if (state == STATE_UNKNOWN) return UNKNOWN;
  if (kind == ATOM_RANGE) {
    const numeric = state == STATE_NUMBER || state == STATE_CODES || state == STATE_STRINGS;
    return numeric ? inRange(atom, load<f64>(slot, SLOT_VALUE_AT)) : UNKNOWN;
  }
  if (state != STATE_NUMBER && !hasBytes(slot)) return UNKNOWN;
  return kind == ATOM_ANY || kind == ATOM_ALL
    ? inValues(image, atom, slot, kind)
    : inTable(tables, atom, slot);
}

/** A host writes slots itself, so what they point at is checked before it is read. */
function hasBytes(slot: usize): bool {
  const offset = load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<u32>(slot, SLOT_LENGTH_AT);
  return offset <= <u32>VALUES_BYTES && length <= <u32>VALUES_BYTES - offset;
}

function inRange(atom: usize, value: f64): i32 {
  return truth(load<f64>(atom, ATOM_MIN_AT) <= value && value <= load<f64>(atom, ATOM_MAX_AT));
}

/** Do any or all of the atom's ascending values occur in the slot's codes? */
function inValues(image: usize, atom: usize, slot: usize, kind: i32): i32 {
  const values = section(image, SECTION_VALUE) + (load<i32>(atom, ATOM_FIRST_VALUE_AT) << 2);
  const count = load<i32>(atom, ATOM_VALUE_COUNT_AT);
  const state = load<i32>(slot, SLOT_STATE_AT);
  if (state == STATE_NUMBER) return truth(holds(values, count, load<f64>(slot, SLOT_VALUE_AT)));
  if (state != STATE_CODES) return UNKNOWN;
  const codes = VALUES + load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<i32>(slot, SLOT_LENGTH_AT) >> 1;
  if (kind == ATOM_ANY) {
    for (let i = 0; i < length; i++) if (holds(values, count, load<u16>(codes + (i << 1)))) return TRUE;
    return FALSE;
  }
  for (let i = 0; i < count; i++) {
    if (!hasCode(codes, length, load<u32>(values + (i << 2)))) return FALSE;
  }
  return TRUE;
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

function inTable(tables: usize, atom: usize, slot: usize): i32 {
  const index = load<u32>(atom, ATOM_FIRST_VALUE_AT);
  if (tables == 0 || index >= load<u32>(tables, TABLES_HEADER_COUNT_AT)) return UNKNOWN;
  const table = tables + TABLES_HEADER_BYTES + index * TABLE_BYTES;
  const kind = load<i32>(table, TABLE_KIND_AT);
  const state = load<i32>(slot, SLOT_STATE_AT);
  const at = VALUES + load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<i32>(slot, SLOT_LENGTH_AT);
  if (kind == TABLE_CIDR) {
    const leaf = leafOf(tables, slot);
    if (leaf == 0) return UNKNOWN;
    return truth(((load<u64>(leaf, LEAF_LISTS_AT) >> load<u32>(table, TABLE_OFFSET_AT)) & 1) != 0);
  }
  if (kind == TABLE_NUMBER) return numberInTable(tables, table, slot, state);
  if (kind != TABLE_HASH && kind != TABLE_HOST) return UNKNOWN;
  if (state == STATE_BYTES) return truth(member(tables, table, kind, at, length));
  if (state != STATE_STRINGS) return UNKNOWN;
  const end = at + length;
  for (let p = at; p < end; p += 1 + load<u8>(p)) {
    const size = <i32>load<u8>(p);
    if (p + 1 + size > end) return FALSE;
    if (member(tables, table, kind, p + 1, size)) return TRUE;
  }
  return FALSE;
}

function member(tables: usize, table: usize, kind: i32, at: usize, length: i32): bool {
  return kind == TABLE_HOST ? inHosts(tables, table, at, length) : inHash(tables, table, at, length);
}

function numberInTable(tables: usize, table: usize, slot: usize, state: i32): i32 {
  if (state == STATE_NUMBER) return truth(inNumbers(tables, table, load<f64>(slot, SLOT_VALUE_AT)));
  if (state != STATE_CODES) return UNKNOWN;
  const codes = VALUES + load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<i32>(slot, SLOT_LENGTH_AT) >> 1;
  for (let i = 0; i < length; i++) if (inNumbers(tables, table, load<u16>(codes + (i << 1)))) return TRUE;
  return FALSE;
}
