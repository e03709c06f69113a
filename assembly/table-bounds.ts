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
  NODE_BYTES,
  NODE_FIRST_SLOT_AT,
  NODE_SHIFT_AT,
  NODE_SLOTS_AT,
  PREFIXES_COUNT_AT,
  PREFIXES_DIRECTORY_AT,
  PREFIXES_ENTRIES_AT,
  PREFIXES_NODE_COUNT_AT,
  PREFIXES_NODES_AT,
  PREFIXES_SLOTS_AT,
  RUN_BYTES,
  RUN_COUNT_AT,
  RUN_FIRST_AT,
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
  TABLES_HEADER_RUN_COUNT_AT,
  TABLES_HEADER_RUNS_OFFSET_AT,
  TABLES_HEADER_SIZE_AT,
  TABLES_HEADER_V4_AT,
  TABLES_HEADER_V6_AT,
  TABLES_HEADER_V6_TOTAL_AT,
} from './abi/layout.gen';
import { IS_NODE, IS_RUN } from './prefixes';
import { MEMBER_HEADER } from './sets';

/** What `checkPart` answers: the part is good, or elements are left, or one is bad. */
export const PART_GOOD: i32 = 0;
export const PART_MORE: i32 = 1;
export const PART_BAD: i32 = 2;

/** The parts: two families' entries, nodes and directories, runs; two sets. */
const ENTRIES4: i32 = 0;
const ENTRIES6: i32 = 1;
const NODES4: i32 = 2;
const NODES6: i32 = 3;
const DIRECTORY4: i32 = 4;
const DIRECTORY6: i32 = 5;
const RUNS: i32 = 6;
const HASHES: i32 = 7;
const HOSTS: i32 = 8;
/** How many parts there are. */
export const PARTS: i32 = HOSTS + 1;

/** Element of the part to go on from, and the taken buckets in a row before it. */
const CURSOR: usize = memory.data(8, 8);
const ROW_AT: usize = 4;

/** Begins a part anew. */
export function startPart(): void {
  store<u64>(CURSOR, 0);
}

/** Checks at most `most` more elements of a part. */
export function checkPart(tables: usize, part: i32, most: u32): i32 {
  const first = load<u32>(CURSOR);
  const count = elements(tables, part);
  const end = count - first > most ? first + most : count;
  const v4 = tables + TABLES_HEADER_V4_AT;
  const v6 = tables + TABLES_HEADER_V6_AT;
  let good: bool = true;
  if (part == ENTRIES4) good = checkEntries<u32>(tables, v4, first, end);
  else if (part == ENTRIES6) good = checkEntries<u64>(tables, v6, first, end);
  else if (part == NODES4) good = checkNodes(tables, v4, first, end);
  else if (part == NODES6) good = checkNodes(tables, v6, first, end);
  else if (part == DIRECTORY4) good = checkDirectory(tables, v4, first, end);
  else if (part == DIRECTORY6) good = checkDirectory(tables, v6, first, end);
  else if (part == RUNS) good = checkRuns(tables, first, end);
  else good = checkBuckets(tables, setAt(tables, part), first, end);
  if (!good) return PART_BAD;
  store<u32>(CURSOR, end);
  return end < count ? PART_MORE : PART_GOOD;
}

function elements(tables: usize, part: i32): u32 {
  if (part == ENTRIES4) return load<u32>(tables, TABLES_HEADER_V4_AT + PREFIXES_COUNT_AT);
  if (part == ENTRIES6) return load<u32>(tables, TABLES_HEADER_V6_TOTAL_AT);
  if (part == NODES4) return load<u32>(tables, TABLES_HEADER_V4_AT + PREFIXES_NODE_COUNT_AT);
  if (part == NODES6) return load<u32>(tables, TABLES_HEADER_V6_AT + PREFIXES_NODE_COUNT_AT);
  if (part == DIRECTORY4) return load<u32>(tables, TABLES_HEADER_V4_AT + PREFIXES_SLOTS_AT);
  if (part == DIRECTORY6) return load<u32>(tables, TABLES_HEADER_V6_AT + PREFIXES_SLOTS_AT);
  if (part == RUNS) return load<u32>(tables, TABLES_HEADER_RUN_COUNT_AT);
  // More than the buckets: the first are looked at again after the last.
  return load<u32>(setAt(tables, part), SET_COUNT_AT) + MAX_BUCKET_RUN;
}

function setAt(tables: usize, part: i32): usize {
  return tables + (part == HASHES ? TABLES_HEADER_HASHES_AT : TABLES_HEADER_HOSTS_AT);
}

/** `count` elements of `stride` bytes from an aligned `offset` lie inside the region. */
function fits(tables: usize, offset: u32, count: u32, stride: u32): bool {
  const length = load<u32>(tables, TABLES_HEADER_SIZE_AT);
  return (offset & 7) == 0 && offset <= length && count <= (length - offset) / stride;
}

/** Every array lies inside the region; the rest of the checks may read them. */
export function checkExtents(tables: usize): bool {
  const count = load<u32>(tables, TABLES_HEADER_COUNT_AT);
  const leaves = load<u32>(tables, TABLES_HEADER_LEAF_COUNT_AT);
  const runs = load<u32>(tables, TABLES_HEADER_RUN_COUNT_AT);
  const total6 = load<u32>(tables, TABLES_HEADER_V6_TOTAL_AT);
  const count6 = load<u32>(tables, TABLES_HEADER_V6_AT + PREFIXES_COUNT_AT);
  if (count > <u32>MAX_TABLES || !fits(tables, TABLES_HEADER_BYTES, count, TABLE_BYTES)) return false;
  if (leaves == 0 || !fits(tables, load<u32>(tables, TABLES_HEADER_LEAVES_OFFSET_AT), leaves, LEAF_BYTES))
    return false;
  if (!fits(tables, load<u32>(tables, TABLES_HEADER_RUNS_OFFSET_AT), runs, RUN_BYTES)) return false;
  if (count6 > total6) return false;
  const count4 = load<u32>(tables, TABLES_HEADER_V4_AT + PREFIXES_COUNT_AT);
  if (!checkExtent(tables, tables + TABLES_HEADER_V4_AT, count4, 4)) return false;
  if (!checkExtent(tables, tables + TABLES_HEADER_V6_AT, total6, 8)) return false;
  const memberships = load<u32>(tables, TABLES_HEADER_MEMBERSHIP_COUNT_AT);
  const membershipsAt = load<u32>(tables, TABLES_HEADER_MEMBERSHIPS_OFFSET_AT);
  return (
    fits(tables, membershipsAt, memberships, MEMBERSHIP_BYTES) &&
    checkSet(tables, tables + TABLES_HEADER_HASHES_AT) &&
    checkSet(tables, tables + TABLES_HEADER_HOSTS_AT) &&
    checkTables(tables, count)
  );
}

function checkExtent(tables: usize, prefixes: usize, total: u32, width: u32): bool {
  const nodes = load<u32>(prefixes, PREFIXES_NODE_COUNT_AT);
  return (
    load<u32>(prefixes, PREFIXES_COUNT_AT) > 0 &&
    fits(tables, load<u32>(prefixes, PREFIXES_ENTRIES_AT), total, width << 1) &&
    fits(tables, load<u32>(prefixes, PREFIXES_NODES_AT), nodes, NODE_BYTES) &&
    fits(tables, load<u32>(prefixes, PREFIXES_DIRECTORY_AT), load<u32>(prefixes, PREFIXES_SLOTS_AT), 4)
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

/** Starts rise within each run, and every value names a leaf; in the first IPv6 run it may name a run. */
function checkEntries<T>(tables: usize, prefixes: usize, first: u32, end: u32): bool {
  const stride = sizeof<T>() << 1;
  const entries = tables + load<u32>(prefixes, PREFIXES_ENTRIES_AT);
  const inFirstRun = load<u32>(prefixes, PREFIXES_COUNT_AT);
  const leaves = load<u32>(tables, TABLES_HEADER_LEAF_COUNT_AT);
  const runs = load<u32>(tables, TABLES_HEADER_RUN_COUNT_AT);
  for (let i = first; i < end; i++) {
    const entry = entries + <usize>i * stride;
    const value = load<u32>(entry + sizeof<T>());
    if (
      value >= leaves &&
      (sizeof<T>() != 8 || i >= inFirstRun || value < IS_RUN || value - IS_RUN >= runs)
    ) {
      return false;
    }
    const start = load<T>(entry);
    if (i == 0 || i == inFirstRun) {
      if (start != 0) return false;
    } else if (start <= load<T>(entry - stride) && (start != 0 || i < inFirstRun)) return false;
  }
  return true;
}

/** Each node has slots, inside the directory. */
function checkNodes(tables: usize, prefixes: usize, first: u32, end: u32): bool {
  const nodes = tables + load<u32>(prefixes, PREFIXES_NODES_AT);
  const total = load<u32>(prefixes, PREFIXES_SLOTS_AT);
  for (let i = first; i < end; i++) {
    const node = nodes + <usize>i * NODE_BYTES;
    const slot = load<u32>(node, NODE_FIRST_SLOT_AT);
    const slots = load<u32>(node, NODE_SLOTS_AT);
    if (slots == 0 || slots > total || slot > total - slots) return false;
    if (load<u32>(node, NODE_SHIFT_AT) >= 64) return false;
  }
  return true;
}

/** A slot names an entry of the first run, or a node whose slots all come after it: so no search goes round. */
function checkDirectory(tables: usize, prefixes: usize, first: u32, end: u32): bool {
  const directory = tables + load<u32>(prefixes, PREFIXES_DIRECTORY_AT);
  const nodes = tables + load<u32>(prefixes, PREFIXES_NODES_AT);
  const nodeCount = load<u32>(prefixes, PREFIXES_NODE_COUNT_AT);
  const count = load<u32>(prefixes, PREFIXES_COUNT_AT);
  for (let i = first; i < end; i++) {
    const value = load<u32>(directory + ((<usize>i) << 2));
    if (value < IS_NODE) {
      if (value >= count) return false;
      continue;
    }
    const node = value ^ IS_NODE;
    if (node >= nodeCount || load<u32>(nodes + <usize>node * NODE_BYTES, NODE_FIRST_SLOT_AT) <= i)
      return false;
  }
  return true;
}

/** Each run lies behind the first one. */
function checkRuns(tables: usize, first: u32, end: u32): bool {
  const runs = tables + load<u32>(tables, TABLES_HEADER_RUNS_OFFSET_AT);
  const total = load<u32>(tables, TABLES_HEADER_V6_TOTAL_AT);
  const inFirstRun = load<u32>(tables, TABLES_HEADER_V6_AT + PREFIXES_COUNT_AT);
  for (let i = first; i < end; i++) {
    const run = runs + <usize>i * RUN_BYTES;
    const from = load<u32>(run, RUN_FIRST_AT);
    const count = load<u32>(run, RUN_COUNT_AT);
    if (from < inFirstRun || count == 0 || count > total || from > total - count) return false;
  }
  return true;
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
