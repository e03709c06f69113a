/** Membership of one value in a table: by longest prefix, by hash, by host suffix, by number. */
import {
  BUCKET_BYTES,
  BUCKET_HASH_AT,
  BUCKET_OFFSET_AT,
  TABLE_COUNT_AT,
  TABLE_DATA_LENGTH_AT,
  TABLE_OFFSET_AT,
  TABLES_HEADER_CIDR4_COUNT_AT,
  TABLES_HEADER_CIDR4_OFFSET_AT,
  TABLES_HEADER_CIDR6_COUNT_AT,
  TABLES_HEADER_CIDR6_OFFSET_AT,
} from './abi/layout.gen';
import { be32 } from './bytes';

const DOT: i32 = 0x2e;
const STAR: i32 = 0x2a;
const FNV_OFFSET: u32 = 0x811c9dc5;
const FNV_PRIME: u32 = 0x01000193;

/**
 * One bit per CIDR table that holds the IPv4 address (4 bytes). The address space is cut into intervals of
 * equal membership, ascending from 0.0.0.0: first all membership words, then all starts.
 */
export function lookupIp4(tables: usize, at: usize): u64 {
  const count = load<i32>(tables, TABLES_HEADER_CIDR4_COUNT_AT);
  if (count == 0) return 0;
  const bits = tables + load<u32>(tables, TABLES_HEADER_CIDR4_OFFSET_AT);
  const starts = bits + ((<usize>count) << 3);
  const address = be32(at);
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (load<u32>(starts + ((<usize>middle) << 2)) <= address) low = middle;
    else high = middle;
  }
  return load<u64>(bits + ((<usize>low) << 3));
}

/** The same for IPv6 (16 bytes): membership words, then the starts' high halves, then their low halves. */
export function lookupIp6(tables: usize, at: usize): u64 {
  const count = load<i32>(tables, TABLES_HEADER_CIDR6_COUNT_AT);
  if (count == 0) return 0;
  const bits = tables + load<u32>(tables, TABLES_HEADER_CIDR6_OFFSET_AT);
  const highs = bits + ((<usize>count) << 3);
  const lows = highs + ((<usize>count) << 3);
  const high64 = bswap<u64>(load<u64>(at, 0));
  const low64 = bswap<u64>(load<u64>(at, 8));
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const start = load<u64>(highs + ((<usize>middle) << 3));
    const before = start < high64 || (start == high64 && load<u64>(lows + ((<usize>middle) << 3)) <= low64);
    if (before) low = middle;
    else high = middle;
  }
  return load<u64>(bits + ((<usize>low) << 3));
}

/** Is the byte string a member? */
export function inHash(tables: usize, table: usize, at: usize, length: i32): bool {
  return find(tables, table, at, length, hash(FNV_OFFSET, at, length), false);
}

/** Is the host name a member, or does a member `*.suffix` cover it? The apex of a wildcard is not covered. */
export function inHosts(tables: usize, table: usize, at: usize, length: i32): bool {
  if (inHash(tables, table, at, length)) return true;
  for (let i = 1; i < length - 1; i++) {
    if (load<u8>(at + i) != DOT) continue;
    const start = (FNV_OFFSET ^ STAR) * FNV_PRIME;
    if (find(tables, table, at + i, length - i, hash(start, at + i, length - i), true)) return true;
  }
  return false;
}

/** Is the number a member? The table is ascending. */
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

/** FNV-1a. */
function hash(start: u32, at: usize, length: i32): u32 {
  let h = start;
  for (let i = 0; i < length; i++) h = (h ^ load<u8>(at + i)) * FNV_PRIME;
  return h;
}

/** Looks for a member equal to the bytes, with a star before them when `wildcard`. */
function find(tables: usize, table: usize, at: usize, length: i32, h: u32, wildcard: bool): bool {
  const buckets = tables + load<u32>(table, TABLE_OFFSET_AT);
  const count = load<u32>(table, TABLE_COUNT_AT);
  const data = buckets + count * BUCKET_BYTES;
  const limit = load<u32>(table, TABLE_DATA_LENGTH_AT);
  const size = <u32>length + (wildcard ? 1 : 0);
  for (let i: u32 = 0; i < count; i++) {
    const bucket = buckets + ((h + i) & (count - 1)) * BUCKET_BYTES;
    const offset = load<u32>(bucket, BUCKET_OFFSET_AT);
    // Offset 0 marks an empty bucket: the data begin with a filler byte.
    if (offset == 0 || offset > limit || limit - offset < 2) return false;
    if (load<u32>(bucket, BUCKET_HASH_AT) != h) continue;
    const member = data + offset;
    if (load<u16>(member) != size || limit - offset - 2 < size) continue;
    const text = member + 2;
    if (wildcard) {
      if (load<u8>(text) == STAR && memory.compare(text + 1, at, length) == 0) return true;
    } else if (memory.compare(text, at, length) == 0) return true;
  }
  return false;
}
