/**
 * Longest-prefix match. Prefixes cut an address space into intervals over which nothing changes. A tree of directories
 * leads from the leading bits of an address to a cell: a few cuts in ascending order, with keys as narrow as they allow,
 * and what holds between them, side by side. So a look-up touches little memory, and seldom more than two lines of it
 * that are not in use all the time.
 *
 * A reference names a leaf, which is what holds for each address of an interval; a node, which is a directory; or a
 * cell. IPv6 is searched by the high half of an address first; a cell of that search may lead on to a search by the low
 * half. That one and IPv4 are flat: their cells have leaves alone.
 */
import {
  CELL_BYTES,
  LEAF_BYTES,
  NODE_BASE_AT,
  NODE_BELOW_AT,
  NODE_BYTES,
  NODE_FIRST_SLOT_AT,
  NODE_SHIFT_AT,
  NODE_SLOTS_AT,
  TABLES_HEADER_LEAVES_OFFSET_AT,
  TABLES_HEADER_TRIE_AT,
  TRIE_CELLS_AT,
  TRIE_FLAT_NODES_AT,
  TRIE_FLAT_ROOT_AT,
  TRIE_HIGH_NODES_AT,
  TRIE_HIGH_ROOT_AT,
  TRIE_SLOTS_AT,
} from './abi/layout.gen';
import { be32 } from './bytes';

/** What a reference is, by its top bits; without either it is the index of a leaf. */
export const IS_NODE: u32 = 0x8000_0000;
export const IS_CELL: u32 = 0x4000_0000;
/** Cells lie at multiples of 2 bytes, and are counted in them. */
export const CELL_UNIT_SHIFT: u32 = 1;

/** The leaf of an IPv4 address (4 bytes, network order). The tables have been verified. */
export function leafOfIp4(tables: usize, at: usize): usize {
  const root = load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_FLAT_ROOT_AT);
  const nodes = tables + load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_FLAT_NODES_AT);
  return leafAt(tables, search(tables, nodes, root, be32(at)));
}

/** The leaf of an IPv6 address (16 bytes, network order). */
export function leafOfIp6(tables: usize, at: usize): usize {
  const root = load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_HIGH_ROOT_AT);
  const nodes = tables + load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_HIGH_NODES_AT);
  const found = search(tables, nodes, root, bswap<u64>(load<u64>(at)));
  if (found < IS_CELL) return leafAt(tables, found);
  const flatNodes = tables + load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_FLAT_NODES_AT);
  return leafAt(tables, search(tables, flatNodes, found, bswap<u64>(load<u64>(at, 8))));
}

function leafAt(tables: usize, leaf: u32): usize {
  return tables + load<u32>(tables, TABLES_HEADER_LEAVES_OFFSET_AT) + <usize>leaf * LEAF_BYTES;
}

/** Follows `reference` to the leaf of a key; a cell over high halves may give a reference instead. */
function search(tables: usize, nodes: usize, reference: u32, key: u64): u32 {
  const slots = tables + load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_SLOTS_AT);
  // The key counts from where the part of the space begins that the reference is for.
  while (reference >= IS_NODE) {
    const node = nodes + <usize>(reference ^ IS_NODE) * NODE_BYTES;
    const base = load<u64>(node, NODE_BASE_AT);
    if (key < base) return load<u32>(node, NODE_BELOW_AT);
    const shift = <u64>load<u32>(node, NODE_SHIFT_AT);
    const last = <u64>(load<u32>(node, NODE_SLOTS_AT) - 1);
    const slot = min<u64>((key - base) >> shift, last);
    key = key - base - (slot << shift);
    reference = load<u32>(slots + ((<usize>load<u32>(node, NODE_FIRST_SLOT_AT) + <usize>slot) << 2));
  }
  if (reference < IS_CELL) return reference;
  const cells = tables + load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_CELLS_AT);
  return searchCell(cells + ((<usize>(reference ^ IS_CELL)) << CELL_UNIT_SHIFT), key);
}

/** The value behind the last of the cell's keys that is not above `key`, the first value when there is none. */
function searchCell(cell: usize, key: u64): u32 {
  const shape = <u32>load<u16>(cell);
  const count = keyCount(shape);
  const keys = cell + CELL_BYTES;
  const wanted = key >> keyShift(shape);
  const width = keyWidth(shape);
  const place =
    width == 1
      ? countNarrow(keys, count, wanted)
      : width == 2
        ? countMiddle(keys, count, wanted)
        : countWide(keys, count, wanted);
  const values = cell + valuesAt(shape);
  const value = valueAt(values, valueWidth(shape), place);
  const inside = insideBit(shape);
  if (value < inside) return value;
  return load<u32>(cell + referencesAt(shape) + ((<usize>(value ^ inside)) << 2));
}

// The shape of a cell: bits 0 to 5 have the number of its keys, 6 and 7 their width, 8 to 13 the bits left out at the
// end of each, 14 and 15 the width of values; a width is the binary logarithm of bytes.

export function keyCount(shape: u32): u32 {
  return shape & 63;
}

export function keyWidth(shape: u32): u32 {
  return (shape >> 6) & 3;
}

function keyShift(shape: u32): u64 {
  return (shape >> 8) & 63;
}

export function valueWidth(shape: u32): u32 {
  return shape >> 14;
}

/** Where the values of a cell begin: behind its keys, which fill words of 8 bytes with highest ones. */
export function valuesAt(shape: u32): u32 {
  return CELL_BYTES + (((keyCount(shape) << keyWidth(shape)) + 7) & ~7);
}

/** Where the references begin: behind the values, of which there is one more than keys. */
export function referencesAt(shape: u32): u32 {
  return valuesAt(shape) + ((keyCount(shape) + 1) << valueWidth(shape));
}

/** The bit in a value that tells that it is the place of a reference. */
export function insideBit(shape: u32): u32 {
  return (<u32>0x80) << ((8 << valueWidth(shape)) - 8);
}

export function valueAt(values: usize, width: u32, index: u32): u32 {
  const at = values + ((<usize>index) << width);
  return width == 0 ? <u32>load<u8>(at) : width == 1 ? <u32>load<u16>(at) : load<u32>(at);
}

// How many keys are not above `wanted`. All that most cells have are compared, and those behind the last left out: a
// branch that depends on the cell would make the processor wait for its memory.

/** Of keys of 2 bytes. */
function countNarrow(keys: usize, count: u32, wanted: u64): u32 {
  const key = min<u64>(wanted, 0xffff);
  if (ASC_FEATURE_SIMD) {
    const each = i16x8.splat(<i16>key);
    const below =
      <u32>i16x8.bitmask(i16x8.le_u(v128.load(keys), each)) |
      ((<u32>i16x8.bitmask(i16x8.le_u(v128.load(keys, 16), each))) << 8) |
      ((<u32>i16x8.bitmask(i16x8.le_u(v128.load(keys, 32), each))) << 16) |
      ((<u32>i16x8.bitmask(i16x8.le_u(v128.load(keys, 48), each))) << 24);
    return popcnt<u32>(below & firstBits(count));
  }
  const each = key * NARROW_ONES;
  const below =
    lanesBelow(keys, each, NARROW_TOPS) +
    lanesBelow(keys + 8, each, NARROW_TOPS) * u32(count > 4) +
    lanesBelow(keys + 16, each, NARROW_TOPS) * u32(count > 8) +
    lanesBelow(keys + 24, each, NARROW_TOPS) * u32(count > 12) +
    lanesBelow(keys + 32, each, NARROW_TOPS) * u32(count > 16) +
    lanesBelow(keys + 40, each, NARROW_TOPS) * u32(count > 20) +
    lanesBelow(keys + 48, each, NARROW_TOPS) * u32(count > 24) +
    lanesBelow(keys + 56, each, NARROW_TOPS) * u32(count > 28);
  return min(below, count);
}

/** Of keys of 4 bytes; cells with many of them are rare. */
function countMiddle(keys: usize, count: u32, wanted: u64): u32 {
  const key = min<u64>(wanted, 0xffff_ffff);
  let compared: u32 = 8;
  let below: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    compared = 16;
    const each = i32x4.splat(<i32>key);
    const bits =
      <u32>i32x4.bitmask(i32x4.le_u(v128.load(keys), each)) |
      ((<u32>i32x4.bitmask(i32x4.le_u(v128.load(keys, 16), each))) << 4) |
      ((<u32>i32x4.bitmask(i32x4.le_u(v128.load(keys, 32), each))) << 8) |
      ((<u32>i32x4.bitmask(i32x4.le_u(v128.load(keys, 48), each))) << 12);
    below = popcnt<u32>(bits & firstBits(count));
  } else {
    const each = key * MIDDLE_ONES;
    below =
      lanesBelow(keys, each, MIDDLE_TOPS) +
      lanesBelow(keys + 8, each, MIDDLE_TOPS) * u32(count > 2) +
      lanesBelow(keys + 16, each, MIDDLE_TOPS) * u32(count > 4) +
      lanesBelow(keys + 24, each, MIDDLE_TOPS) * u32(count > 6);
  }
  for (let i = compared; i < count; i++) below += u32(<u64>load<u32>(keys + ((<usize>i) << 2)) <= wanted);
  return min(below, count);
}

/** Of keys of 8 bytes. */
function countWide(keys: usize, count: u32, wanted: u64): u32 {
  let below: u32 = 0;
  for (let i: u32 = 0; i < count; i++) below += u32(load<u64>(keys + ((<usize>i) << 3)) <= wanted);
  return below;
}

/** A one, and the top bit, of each lane of a word. */
const NARROW_ONES: u64 = 0x0001_0001_0001_0001;
const NARROW_TOPS: u64 = 0x8000_8000_8000_8000;
const MIDDLE_ONES: u64 = 0x0000_0001_0000_0001;
const MIDDLE_TOPS: u64 = 0x8000_0000_8000_0000;

/** How many of the keys in the word at `at` are not above the key that each lane of `each` has. */
function lanesBelow(at: usize, each: u64, tops: u64): u32 {
  const keys = load<u64>(at);
  // Without their top bits lanes do not borrow from each other; where the top bits differ, they alone decide.
  const rest = (each | tops) - (keys & ~tops);
  return <u32>popcnt<u64>(((each & ~keys) | (~(each ^ keys) & rest)) & tops);
}

/** Ones in the lowest `count` (at most 32) bits. */
function firstBits(count: u32): u32 {
  return <u32>(((<u64>1) << count) - 1);
}
