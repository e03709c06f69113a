/** Membership of one value in a set: by hash, by host suffix, by number. */
import {
  BUCKET_BYTES,
  BUCKET_HASH_AT,
  BUCKET_OFFSET_AT,
  TABLE_COUNT_AT,
  TABLE_OFFSET_AT,
  TABLE_SEED_AT,
} from './abi/layout.gen';

const DOT: u32 = 0x2e;
const STAR: u32 = 0x2a;
const FNV_PRIME: u32 = 0x01000193;

/** Is the byte string a member? The table has been verified. */
export function inHash(tables: usize, table: usize, at: usize, length: i32): bool {
  let hash = load<u32>(table, TABLE_SEED_AT);
  for (let i = length; i > 0; i--) hash = mix(hash, load<u8>(at + i - 1));
  return find(tables, table, at, length, hash, false);
}

/**
 * Is the host name a member, or does a member `*.suffix` cover it? The apex of a wildcard is not covered. Hashing
 * from the last byte to the first meets every suffix on the way.
 */
export function inHosts(tables: usize, table: usize, at: usize, length: i32): bool {
  let hash = load<u32>(table, TABLE_SEED_AT);
  for (let i = length - 1; i > 0; i--) {
    const byte = <u32>load<u8>(at + i);
    hash = mix(hash, byte);
    if (byte == DOT && find(tables, table, at + i, length - i, mix(hash, STAR), true)) return true;
  }
  if (length > 0) hash = mix(hash, load<u8>(at));
  return find(tables, table, at, length, hash, false);
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

/** One step of FNV-1a; the seed makes collisions of one table worthless for another. */
function mix(hash: u32, byte: u32): u32 {
  return (hash ^ byte) * FNV_PRIME;
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
