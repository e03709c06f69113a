/**
 * Checks the trie of prefixes. Cells have no table of their own: each is named by one reference, and they lie one
 * behind the other in the order of their references, so that whoever follows these meets every cell's beginning. First
 * come the two roots, then the slots; the cells that a cell names come right behind it.
 */
import {
  CELL_BYTES,
  MAX_CELL_KEYS,
  NODE_BELOW_AT,
  NODE_BYTES,
  NODE_FIRST_SLOT_AT,
  NODE_SHIFT_AT,
  NODE_SLOTS_AT,
  TABLES_HEADER_LEAF_COUNT_AT,
  TABLES_HEADER_TRIE_AT,
  TRIE_CELL_BYTES_AT,
  TRIE_CELLS_AT,
  TRIE_FIRST_FLAT_SLOT_AT,
  TRIE_FLAT_NODE_COUNT_AT,
  TRIE_FLAT_NODES_AT,
  TRIE_FLAT_ROOT_AT,
  TRIE_HIGH_NODE_COUNT_AT,
  TRIE_HIGH_NODES_AT,
  TRIE_HIGH_ROOT_AT,
  TRIE_SLOT_COUNT_AT,
  TRIE_SLOTS_AT,
} from './abi/layout.gen';
import { fits, PART_BAD, PART_GOOD, PART_MORE } from './parts';
import {
  CELL_UNIT_SHIFT,
  IS_CELL,
  IS_NODE,
  insideBit,
  keyCount,
  keyWidth,
  referencesAt,
  valueAt,
  valuesAt,
  valueWidth,
} from './prefixes';

/** The next slot, and where the next cell must begin. */
const SLOT: usize = memory.data(8, 8);
const CELL: usize = SLOT + 4;
/** A slot for which nothing was checked yet, not even the roots. */
const NOT_STARTED: u32 = 0xffff_ffff;

/** Every array lies inside the region, and the slots of high nodes inside all slots. */
export function checkTrie(tables: usize): bool {
  const trie = tables + TABLES_HEADER_TRIE_AT;
  return (
    fits(tables, load<u32>(trie, TRIE_HIGH_NODES_AT), load<u32>(trie, TRIE_HIGH_NODE_COUNT_AT), NODE_BYTES) &&
    fits(tables, load<u32>(trie, TRIE_FLAT_NODES_AT), load<u32>(trie, TRIE_FLAT_NODE_COUNT_AT), NODE_BYTES) &&
    fits(tables, load<u32>(trie, TRIE_SLOTS_AT), load<u32>(trie, TRIE_SLOT_COUNT_AT), 4) &&
    fits(tables, load<u32>(trie, TRIE_CELLS_AT), load<u32>(trie, TRIE_CELL_BYTES_AT), 1) &&
    load<u32>(trie, TRIE_FIRST_FLAT_SLOT_AT) <= load<u32>(trie, TRIE_SLOT_COUNT_AT)
  );
}

/** Each node has slots among those of its kind, and a leaf for what comes before them. */
export function checkNodes(tables: usize, areHigh: bool, first: u32, end: u32): bool {
  const trie = tables + TABLES_HEADER_TRIE_AT;
  const flat = load<u32>(trie, TRIE_FIRST_FLAT_SLOT_AT);
  const least: u32 = areHigh ? 0 : flat;
  const total = areHigh ? flat : load<u32>(trie, TRIE_SLOT_COUNT_AT);
  const nodes = tables + load<u32>(trie + (areHigh ? TRIE_HIGH_NODES_AT : TRIE_FLAT_NODES_AT));
  for (let i = first; i < end; i++) {
    const node = nodes + <usize>i * NODE_BYTES;
    const slot = load<u32>(node, NODE_FIRST_SLOT_AT);
    const slots = load<u32>(node, NODE_SLOTS_AT);
    if (slots == 0 || slots > total || slot > total - slots || slot < least) return false;
    if (load<u32>(node, NODE_SHIFT_AT) >= 64 || !isLeaf(tables, load<u32>(node, NODE_BELOW_AT))) return false;
  }
  return true;
}

export function startSlots(): void {
  store<u32>(SLOT, NOT_STARTED);
  store<u32>(CELL, 0);
}

/** Checks slots until all are done, or `most` slots or words of cells. */
export function checkSlots(tables: usize, most: u32): i32 {
  const trie = tables + TABLES_HEADER_TRIE_AT;
  const count = load<u32>(trie, TRIE_SLOT_COUNT_AT);
  const flat = load<u32>(trie, TRIE_FIRST_FLAT_SLOT_AT);
  const slots = tables + load<u32>(trie, TRIE_SLOTS_AT);
  let slot = load<u32>(SLOT);
  if (slot == NOT_STARTED) {
    if (!checkReference(tables, load<u32>(trie, TRIE_HIGH_ROOT_AT), true, 0)) return PART_BAD;
    if (!checkReference(tables, load<u32>(trie, TRIE_FLAT_ROOT_AT), false, flat)) return PART_BAD;
    slot = 0;
  }
  const end = count - slot > most ? slot + most : count;
  const cell = load<u32>(CELL);
  while (slot < end && load<u32>(CELL) - cell < most) {
    const isHigh = slot < flat;
    // A node's slots come after the one that names it, so no search goes round.
    if (!checkReference(tables, load<u32>(slots + ((<usize>slot) << 2)), isHigh, slot + 1)) return PART_BAD;
    slot++;
  }
  store<u32>(SLOT, slot);
  if (slot < count) return PART_MORE;
  return load<u32>(CELL) == load<u32>(trie, TRIE_CELL_BYTES_AT) ? PART_GOOD : PART_BAD;
}

function isLeaf(tables: usize, value: u32): bool {
  return value < load<u32>(tables, TABLES_HEADER_LEAF_COUNT_AT) && value < IS_CELL;
}

/** A leaf, the next cell, or a node of the same half whose slots begin at `least` or later. */
function checkReference(tables: usize, reference: u32, isHigh: bool, least: u32): bool {
  if (reference < IS_CELL) return isLeaf(tables, reference);
  if (reference >= IS_NODE) return checkNodeIndex(tables, reference ^ IS_NODE, isHigh, least);
  return checkCell(tables, reference ^ IS_CELL, isHigh);
}

function checkNodeIndex(tables: usize, index: u32, isHigh: bool, least: u32): bool {
  const trie = tables + TABLES_HEADER_TRIE_AT;
  if (index >= load<u32>(trie + (isHigh ? TRIE_HIGH_NODE_COUNT_AT : TRIE_FLAT_NODE_COUNT_AT))) return false;
  const nodes = tables + load<u32>(trie + (isHigh ? TRIE_HIGH_NODES_AT : TRIE_FLAT_NODES_AT));
  return load<u32>(nodes + <usize>index * NODE_BYTES, NODE_FIRST_SLOT_AT) >= least;
}

/** The cell in its place: keys ascend, and each value is a leaf or, over high halves, names the next reference. */
function checkCell(tables: usize, unit: u32, isHigh: bool): bool {
  const trie = tables + TABLES_HEADER_TRIE_AT;
  const offset = load<u32>(CELL);
  const left = load<u32>(trie, TRIE_CELL_BYTES_AT) - offset;
  if (unit != offset >> CELL_UNIT_SHIFT || left < <u32>CELL_BYTES) return false;
  const cell = tables + load<u32>(trie, TRIE_CELLS_AT) + offset;
  const shape = <u32>load<u16>(cell);
  const count = keyCount(shape);
  const width = keyWidth(shape);
  if (count > <u32>MAX_CELL_KEYS || width == 0 || valueWidth(shape) == 3) return false;
  if (left < referencesAt(shape)) return false;
  for (let i: u32 = 1; i < count; i++) if (keyAt(cell, width, i) <= keyAt(cell, width, i - 1)) return false;
  const inside = insideBit(shape);
  let references: u32 = 0;
  for (let i: u32 = 0; i <= count; i++) {
    const value = valueAt(cell + valuesAt(shape), valueWidth(shape), i);
    if (value < inside ? !isLeaf(tables, value) : !isHigh || value - inside != references++) return false;
  }
  const size = (referencesAt(shape) + (references << 2) + 1) & ~1;
  if (left < size) return false;
  store<u32>(CELL, offset + size);
  const flat = load<u32>(trie, TRIE_FIRST_FLAT_SLOT_AT);
  for (let i: u32 = 0; i < references; i++) {
    const reference = load<u32>(cell + referencesAt(shape) + ((<usize>i) << 2));
    if (!checkReference(tables, reference, false, flat)) return false;
  }
  return true;
}

function keyAt(cell: usize, width: u32, index: u32): u64 {
  const at = cell + CELL_BYTES + ((<usize>index) << width);
  return width == 1 ? <u64>load<u16>(at) : width == 2 ? <u64>load<u32>(at) : load<u64>(at);
}
