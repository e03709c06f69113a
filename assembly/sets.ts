/** Membership of one value in a set: by hash, by host suffix, by number. */
import {
  BUCKET_BYTES,
  BUCKET_HASH_AT,
  BUCKET_OFFSET_AT,
  TABLE_COUNT_AT,
  TABLE_OFFSET_AT,
  TABLES_HEADER_SEED_AT,
} from './abi/layout.gen';
import { HASH_AT, hashesOf, SUFFIX_BYTES, SUFFIX_COUNT_AT, SUFFIX_HASH_AT, SUFFIXES_AT } from './hashes';

const STAR: u32 = 0x2a;

/** Is the byte string a member? The tables have been verified. */
export function inHash(tables: usize, table: usize, at: usize, length: i32): bool {
  const hash = load<u32>(hashesOf(at, length, load<u32>(tables, TABLES_HEADER_SEED_AT)), HASH_AT);
  return find(tables, table, at, length, hash, false);
}

/** Is the host name a member, or does a member `*.suffix` cover it? The apex of a wildcard is not covered. */
export function inHosts(tables: usize, table: usize, at: usize, length: i32): bool {
  const hashes = hashesOf(at, length, load<u32>(tables, TABLES_HEADER_SEED_AT));
  if (find(tables, table, at, length, load<u32>(hashes, HASH_AT), false)) return true;
  const end = hashes + SUFFIXES_AT + load<i32>(hashes, SUFFIX_COUNT_AT) * SUFFIX_BYTES;
  for (let suffix = hashes + SUFFIXES_AT; suffix < end; suffix += SUFFIX_BYTES) {
    const from = load<i32>(suffix);
    if (find(tables, table, at + from, length - from, load<u32>(suffix, SUFFIX_HASH_AT), true)) return true;
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

/** Looks for a member equal to the bytes, with a star before them when `wildcard`. */
function find(tables: usize, table: usize, at: usize, length: i32, hash: u32, wildcard: bool): bool {
  const buckets = tables + load<u32>(table, TABLE_OFFSET_AT);
  const count = load<u32>(table, TABLE_COUNT_AT);
  const members = buckets + <usize>count * BUCKET_BYTES;
  const size = length + (wildcard ? 1 : 0);
  // The runs of taken buckets are short: verification has seen an empty one behind each.
  let slot = hash - 1;
  while (true) {
    slot = (slot + 1) & (count - 1);
    const bucket = buckets + <usize>slot * BUCKET_BYTES;
    const offset = load<u32>(bucket, BUCKET_OFFSET_AT);
    if (offset == 0) return false;
    if (load<u32>(bucket, BUCKET_HASH_AT) != hash) continue;
    const member = members + offset;
    if (<i32>load<u16>(member) != size) continue;
    const text = member + 2;
    if (!wildcard) {
      if (memory.compare(text, at, length) == 0) return true;
    } else if (load<u8>(text) == STAR && memory.compare(text + 1, at, length) == 0) return true;
  }
}
