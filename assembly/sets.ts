/**
 * Which sets a value is in: all the tables of one kind are one hash table, whose members tell the tables they are in.
 * So a value is hashed and looked up once, however many sets a policy asks about.
 */
import {
  BUCKET_BYTES,
  BUCKET_HASH_AT,
  BUCKET_OFFSET_AT,
  MAX_SCORE_MAPS,
  MEMBER_LENGTH_AT,
  MEMBER_MEMBERSHIP_AT,
  MEMBERSHIP_BYTES,
  MEMBERSHIP_SCORES_AT,
  SET_BUCKETS_AT,
  SET_COUNT_AT,
  SET_SEED_AT,
  SLOT_LENGTH_AT,
  SLOT_OFFSET_AT,
  SLOT_STATE_AT,
  STATE_BYTES,
  TABLE_COUNT_AT,
  TABLE_OFFSET_AT,
  TABLES_HEADER_HASHES_AT,
  TABLES_HEADER_HOSTS_AT,
  TABLES_HEADER_MEMBERSHIPS_OFFSET_AT,
} from './abi/layout.gen';
import { clearWords, isEqual } from './bytes';
import { VALUES } from './memory';

const FNV_PRIME: u32 = 0x01000193;
const DOT: u32 = 0x2e;
const STAR: u32 = 0x2a;
/** Bytes of a member before its own. */
export const MEMBER_HEADER: u32 = MEMBER_LENGTH_AT + 2;
/** A host name has at most 253 bytes (RFC 1035 section 2.3.4), and so no more suffixes. */
const MAX_SUFFIXES: i32 = 128;

/** What is known of the value last looked up: a bit for each table that it is in, and a score for each map. */
const FOUND: usize = memory.data(MEMBERSHIP_BYTES, 16);
/** Bytes of the bits. */
const BITS: usize = MEMBERSHIP_SCORES_AT;

/**
 * Looks up the text, or every string of the list, in a slot whose offset and length are right. True when some table
 * has it: `isFound` then tells which.
 */
export function findSets(tables: usize, slot: usize, areHosts: bool): bool {
  const set = tables + (areHosts ? TABLES_HEADER_HOSTS_AT : TABLES_HEADER_HASHES_AT);
  let at = VALUES + load<u32>(slot, SLOT_OFFSET_AT);
  const length = load<i32>(slot, SLOT_LENGTH_AT);
  clearWords(FOUND, MEMBERSHIP_BYTES);
  if (load<i32>(slot, SLOT_STATE_AT) == STATE_BYTES) return findOne(tables, set, at, length, areHosts);
  let found: bool = false;
  for (const end = at + length; at < end; ) {
    const size = <i32>load<u8>(at++);
    if (at + size > end) break;
    if (findOne(tables, set, at, size, areHosts)) found = true;
    at += size;
  }
  return found;
}

/**
 * Looks up one text. What is known of it stands where a membership would, of host names with the scores of the nearest
 * members; 0 when no table has it.
 */
export function findMember(tables: usize, at: usize, length: i32, isHost: bool): usize {
  const set = tables + (isHost ? TABLES_HEADER_HOSTS_AT : TABLES_HEADER_HASHES_AT);
  clearWords(FOUND, MEMBERSHIP_BYTES);
  return findOne(tables, set, at, length, isHost) ? FOUND : 0;
}

/** Did `findSets` find its value in a table? */
export function isFound(table: u32): bool {
  return ((load<u32>(FOUND + ((table >> 5) << 2)) >> (table & 31)) & 1) != 0;
}

/**
 * Adds the tables of a value. The hash goes from the last byte to the first, so that it meets every suffix of a host
 * name on its way; a member `*.suffix` covers the names below the suffix, but not the suffix.
 */
function findOne(tables: usize, set: usize, at: usize, length: i32, isHost: bool): bool {
  let hash = load<u32>(set, SET_SEED_AT);
  let suffixes = isHost ? MAX_SUFFIXES : 0;
  let found: bool = false;
  for (let i = length - 1; i >= 0; i--) {
    const byte = <u32>load<u8>(at + i);
    hash = (hash ^ byte) * FNV_PRIME;
    if (byte != DOT || i == 0 || suffixes == 0) continue;
    suffixes--;
    if (addMember(tables, set, at + i, length - i, (hash ^ STAR) * FNV_PRIME, true)) found = true;
  }
  if (addMember(tables, set, at, length, hash, false)) found = true;
  return found;
}

/** Adds the tables of the member equal to the bytes, with a star before them when `wildcard`; false without one. */
function addMember(tables: usize, set: usize, at: usize, length: i32, hash: u32, wildcard: bool): bool {
  const member = find(tables, set, at, length, hash, wildcard);
  if (member == 0) return false;
  const memberships = tables + load<u32>(tables, TABLES_HEADER_MEMBERSHIPS_OFFSET_AT);
  const membership = memberships + <usize>load<u32>(member, MEMBER_MEMBERSHIP_AT) * MEMBERSHIP_BYTES;
  for (let i: usize = 0; i < BITS; i += 8) {
    store<u64>(FOUND + i, load<u64>(FOUND + i) | load<u64>(membership + i));
  }
  if (load<u64>(membership, MEMBERSHIP_SCORES_AT) != 0) takeScores(membership + BITS);
  return true;
}

/** The members of a host name come from the shortest suffix to the whole name: the last one that has a score counts. */
function takeScores(scores: usize): void {
  for (let map: usize = 0; map < <usize>MAX_SCORE_MAPS; map++) {
    const score = load<u8>(scores + map);
    if (score != 0) store<u8>(FOUND + BITS + map, score);
  }
}

function find(tables: usize, set: usize, at: usize, length: i32, hash: u32, wildcard: bool): usize {
  const buckets = tables + load<u32>(set, SET_BUCKETS_AT);
  const count = load<u32>(set, SET_COUNT_AT);
  const members = buckets + <usize>count * BUCKET_BYTES;
  const size = length + (wildcard ? 1 : 0);
  // The runs of taken buckets are short: verification has seen an empty one behind each.
  let slot = hash - 1;
  while (true) {
    slot = (slot + 1) & (count - 1);
    const bucket = buckets + <usize>slot * BUCKET_BYTES;
    const offset = load<u32>(bucket, BUCKET_OFFSET_AT);
    if (offset == 0) return 0;
    if (load<u32>(bucket, BUCKET_HASH_AT) != hash) continue;
    const member = members + offset;
    if (<i32>load<u16>(member, MEMBER_LENGTH_AT) != size) continue;
    const text = member + MEMBER_HEADER;
    if (!wildcard) {
      if (isEqual(text, at, length)) return member;
    } else if (load<u8>(text) == STAR && isEqual(text + 1, at, length)) return member;
  }
}

/** Is the number in a table of numbers? The table is ascending. */
export function inNumbers(tables: usize, table: usize, value: f64): bool {
  const values = tables + load<u32>(table, TABLE_OFFSET_AT);
  let low = 0;
  let high = load<i32>(table, TABLE_COUNT_AT);
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = load<f64>(values + ((<usize>middle) << 3));
    if (found == value) return true;
    if (found < value) low = middle + 1;
    else high = middle;
  }
  return false;
}
