/**
 * Checks every offset, index and order inside a table region, so that looking up never has to. The parts are checked
 * one after the other, a bounded number of elements at a time.
 */
import {
  BUCKET_BYTES,
  BUCKET_OFFSET_AT,
  LEAF_BYTES,
  MAX_BUCKET_RUN,
  MAX_CIDR_TABLES,
  MAX_TABLES,
  MEMBER_LENGTH_AT,
  MEMBER_MEMBERSHIP_AT,
  MEMBERSHIP_BYTES,
  SET_BUCKETS_AT,
  SET_COUNT_AT,
  SET_DATA_LENGTH_AT,
  TABLE_BYTES,
  TABLE_CIDR,
  TABLE_COUNT_AT,
  TABLE_KIND_AT,
  TABLE_MISSING,
  TABLE_NUMBER,
  TABLE_OFFSET_AT,
  TABLES_HEADER_BYTES,
  TABLES_HEADER_COUNT_AT,
  TABLES_HEADER_HASHES_AT,
  TABLES_HEADER_HOSTS_AT,
  TABLES_HEADER_LEAF_COUNT_AT,
  TABLES_HEADER_LEAVES_OFFSET_AT,
  TABLES_HEADER_MEMBERSHIP_COUNT_AT,
  TABLES_HEADER_MEMBERSHIPS_OFFSET_AT,
  TABLES_HEADER_MISSING_AT,
  TABLES_HEADER_SIZE_AT,
  TABLES_HEADER_TRIE_AT,
  TRIE_FLAT_NODE_COUNT_AT,
  TRIE_HIGH_NODE_COUNT_AT,
} from './abi/layout.gen';
import { fits, PART_BAD, PART_GOOD, PART_MORE } from './parts';
import { MEMBER_HEADER } from './sets';
import { checkNodes, checkSlots, checkTrie, startSlots } from './trie-bounds';

/** The parts: the nodes and the slots of the trie, with its cells; two sets. */
const HIGH_NODES: i32 = 0;
const FLAT_NODES: i32 = 1;
const SLOTS: i32 = 2;
const HASHES: i32 = 3;
const HOSTS: i32 = 4;
/** How many parts there are. */
export const PARTS: i32 = HOSTS + 1;

/** Element of the part to go on from, and the taken buckets in a row before it. */
const CURSOR: usize = memory.data(8, 8);
const ROW_AT: usize = 4;

/** Begins a part anew. */
export function startPart(): void {
  store<u64>(CURSOR, 0);
  startSlots();
}

/** Checks at most `most` more elements of a part. */
export function checkPart(tables: usize, part: i32, most: u32): i32 {
  if (part == SLOTS) return checkSlots(tables, most);
  const first = load<u32>(CURSOR);
  const count = elements(tables, part);
  const end = count - first > most ? first + most : count;
  let good: bool = true;
  if (part == HIGH_NODES) good = checkNodes(tables, true, first, end);
  else if (part == FLAT_NODES) good = checkNodes(tables, false, first, end);
  else good = checkBuckets(tables, setAt(tables, part), first, end);
  if (!good) return PART_BAD;
  store<u32>(CURSOR, end);
  return end < count ? PART_MORE : PART_GOOD;
}

function elements(tables: usize, part: i32): u32 {
  if (part == HIGH_NODES) return load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_HIGH_NODE_COUNT_AT);
  if (part == FLAT_NODES) return load<u32>(tables, TABLES_HEADER_TRIE_AT + TRIE_FLAT_NODE_COUNT_AT);
  // More than the buckets: the first are looked at again after the last.
  return load<u32>(setAt(tables, part), SET_COUNT_AT) + MAX_BUCKET_RUN;
}

function setAt(tables: usize, part: i32): usize {
  return tables + (part == HASHES ? TABLES_HEADER_HASHES_AT : TABLES_HEADER_HOSTS_AT);
}

/** Every array lies inside the region; the rest of the checks may read them. */
export function checkExtents(tables: usize): bool {
  const count = load<u32>(tables, TABLES_HEADER_COUNT_AT);
  const leaves = load<u32>(tables, TABLES_HEADER_LEAF_COUNT_AT);
  if (count > <u32>MAX_TABLES || !fits(tables, TABLES_HEADER_BYTES, count, TABLE_BYTES)) return false;
  if (leaves == 0 || !fits(tables, load<u32>(tables, TABLES_HEADER_LEAVES_OFFSET_AT), leaves, LEAF_BYTES))
    return false;
  const memberships = load<u32>(tables, TABLES_HEADER_MEMBERSHIP_COUNT_AT);
  const membershipsAt = load<u32>(tables, TABLES_HEADER_MEMBERSHIPS_OFFSET_AT);
  return (
    checkTrie(tables) &&
    fits(tables, membershipsAt, memberships, MEMBERSHIP_BYTES) &&
    checkSet(tables, tables + TABLES_HEADER_HASHES_AT) &&
    checkSet(tables, tables + TABLES_HEADER_HOSTS_AT) &&
    checkTables(tables, count)
  );
}

/** Open addressing needs a power of two of buckets. */
function checkSet(tables: usize, set: usize): bool {
  const offset = load<u32>(set, SET_BUCKETS_AT);
  const count = load<u32>(set, SET_COUNT_AT);
  if (count == 0 || (count & (count - 1)) != 0 || !fits(tables, offset, count, BUCKET_BYTES)) return false;
  const length = load<u32>(tables, TABLES_HEADER_SIZE_AT);
  return load<u32>(set, SET_DATA_LENGTH_AT) <= length - offset - count * BUCKET_BYTES;
}

function checkTables(tables: usize, count: u32): bool {
  let missing: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const table = tables + TABLES_HEADER_BYTES + i * TABLE_BYTES;
    const kind = load<u32>(table, TABLE_KIND_AT);
    const offset = load<u32>(table, TABLE_OFFSET_AT);
    if (kind > <u32>TABLE_NUMBER) return false;
    if (kind == TABLE_MISSING) missing++;
    if (kind == TABLE_CIDR && offset >= <u32>MAX_CIDR_TABLES) return false;
    if (kind == TABLE_NUMBER && !fits(tables, offset, load<u32>(table, TABLE_COUNT_AT), 8)) return false;
  }
  return missing == load<u32>(tables, TABLES_HEADER_MISSING_AT);
}

/**
 * Each member lies inside the data and its membership inside theirs; no more than MAX_BUCKET_RUN buckets in a row are
 * taken.
 */
function checkBuckets(tables: usize, set: usize, first: u32, end: u32): bool {
  const buckets = tables + load<u32>(set, SET_BUCKETS_AT);
  const count = load<u32>(set, SET_COUNT_AT);
  const members = buckets + <usize>count * BUCKET_BYTES;
  const length = load<u32>(set, SET_DATA_LENGTH_AT);
  const memberships = load<u32>(tables, TABLES_HEADER_MEMBERSHIP_COUNT_AT);
  let row = load<u32>(CURSOR, ROW_AT);
  for (let i = first; i < end; i++) {
    const offset = load<u32>(buckets + <usize>(i & (count - 1)) * BUCKET_BYTES, BUCKET_OFFSET_AT);
    row = offset == 0 ? 0 : row + 1;
    if (offset == 0) continue;
    if (row > <u32>MAX_BUCKET_RUN || offset > length || length - offset < MEMBER_HEADER) return false;
    const member = members + offset;
    if (length - offset - MEMBER_HEADER < <u32>load<u16>(member, MEMBER_LENGTH_AT)) return false;
    if (load<u32>(member, MEMBER_MEMBERSHIP_AT) >= memberships) return false;
  }
  store<u32>(CURSOR, row, ROW_AT);
  return true;
}
