/**
 * Hashes of values that are looked up in sets, made once for each value of a decision however many sets there are:
 * of the whole value, and of every suffix that begins with a dot.
 */

const FNV_PRIME: u32 = 0x01000193;
const DOT: u32 = 0x2e;
const STAR: u32 = 0x2a;

/** A value's line in the cache: when and for what it was made, then its hashes. */
const LINES: usize = memory.data(16 * 1_056, 16);
const LINE_MASK: usize = 15;
const LINE_BYTES: usize = 1_056;
const STAMP_AT: usize = 0;
const VALUE_AT: usize = 4;
const LENGTH_AT: usize = 8;
export const HASH_AT: usize = 12;
export const SUFFIX_COUNT_AT: usize = 16;
/** For each suffix, the shortest first: its offset in the value, and the hash of `*` and the suffix. */
export const SUFFIXES_AT: usize = 32;
export const SUFFIX_BYTES: usize = 8;
export const SUFFIX_HASH_AT: usize = 4;
/** A host name has at most 253 bytes (RFC 1035 section 2.3.4), and so no more suffixes. */
const MAX_SUFFIXES: i32 = 128;

/** Grows with every decision, so that lines of the last one are made anew. */
const STAMP: usize = memory.data(8, 8);

/** Starts a decision: facts and tables may have changed. */
export function forgetHashes(): void {
  store<u32>(STAMP, load<u32>(STAMP) + 1);
}

/** The line of the `length` bytes at `at`, hashed from `seed`: FNV-1a from the last byte to the first. */
export function hashesOf(at: usize, length: i32, seed: u32): usize {
  const line = LINES + ((at >> 1) & LINE_MASK) * LINE_BYTES;
  const stamp = load<u32>(STAMP);
  const isMade =
    load<u32>(line, STAMP_AT) == stamp &&
    load<u32>(line, VALUE_AT) == <u32>at &&
    load<i32>(line, LENGTH_AT) == length;
  if (!isMade) {
    store<u32>(line, stamp, STAMP_AT);
    store<u32>(line, <u32>at, VALUE_AT);
    store<i32>(line, length, LENGTH_AT);
    fill(line, at, length, seed);
  }
  return line;
}

function fill(line: usize, at: usize, length: i32, seed: u32): void {
  let hash = seed;
  let suffixes = 0;
  for (let i = length - 1; i >= 0; i--) {
    const byte = <u32>load<u8>(at + i);
    hash = (hash ^ byte) * FNV_PRIME;
    if (byte != DOT || i == 0 || suffixes == MAX_SUFFIXES) continue;
    const suffix = line + SUFFIXES_AT + suffixes * SUFFIX_BYTES;
    store<i32>(suffix, i);
    store<u32>(suffix, (hash ^ STAR) * FNV_PRIME, SUFFIX_HASH_AT);
    suffixes++;
  }
  store<u32>(line, hash, HASH_AT);
  store<i32>(line, suffixes, SUFFIX_COUNT_AT);
}
