/** Proof of work: leading zero bits of a SHA-256, checked and sought. */
import {
  MAX_POW_BATCH,
  POW_BYTES,
  POW_DATA_AT,
  POW_LENGTH_AT,
  POW_ZERO_BITS_AT,
  STATUS_BAD_ARGUMENT,
  STATUS_INPUT_OVERFLOW,
} from './abi/layout.gen';
import { be32 } from './bytes';
import { DIGEST, HASH_STATE, POW } from './memory';
import { sha256, sha256Blocks, sha256Finish, sha256Pad, sha256Start } from './sha256';
import { LANES_STATE, lanesBlock, lanesStart, laneWord } from './sha256x4';
import { writeDecimal } from './text';

const MAX_DATA: u32 = POW_BYTES - POW_DATA_AT;
const NONCES: u64 = 0x1_0000_0000;
/** Room for a padded message: 248 bytes and their padding, or the rest of a prefix with a nonce. */
const LANE_BYTES: usize = 320;
const LANES: usize = memory.data(1_280, 16);
/** Hash value after the whole blocks of the prefix, or before any. */
const START_STATE: usize = memory.data(32, 16);

/** Leading zero bits (0 to 256) of the SHA-256 of `length` bytes. */
export function leadingZeroBits(at: usize, length: i32): i32 {
  sha256(at, length);
  return digestZeroBits();
}

function digestZeroBits(): i32 {
  let bits = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const word = be32(DIGEST + i);
    bits += <i32>clz<u32>(word);
    if (word != 0) return bits;
  }
  return bits;
}

/** Fills in `zero_bits` of the first `count` items of POW: 0, or why the batch cannot be hashed. */
export function checkBatch(count: i32): i32 {
  if (count < 0 || count > MAX_POW_BATCH) return STATUS_BAD_ARGUMENT;
  const end = POW + count * POW_BYTES;
  for (let item = POW; item < end; item += POW_BYTES) {
    if (load<u32>(item, POW_LENGTH_AT) > MAX_DATA) return STATUS_INPUT_OVERFLOW;
  }
  let item = POW;
  if (ASC_FEATURE_SIMD) {
    sha256Start(START_STATE);
    for (; item + 4 * POW_BYTES <= end; item += 4 * POW_BYTES) checkFour(item);
  }
  for (; item < end; item += POW_BYTES) {
    store<u32>(item, leadingZeroBits(item + POW_DATA_AT, load<i32>(item, POW_LENGTH_AT)), POW_ZERO_BITS_AT);
  }
  return 0;
}

function checkFour(items: usize): void {
  let longest = 0;
  for (let lane = 0; lane < 4; lane++) {
    const item = items + lane * POW_BYTES;
    const length = load<i32>(item, POW_LENGTH_AT);
    const out = LANES + lane * LANE_BYTES;
    memory.copy(out, item + POW_DATA_AT, length);
    longest = max(longest, sha256Pad(out, length, length));
  }
  lanesStart(START_STATE);
  for (let done = 0; done < longest; done += 64) {
    const mask = i32x4(
      hasBlock(items, 0, done),
      hasBlock(items, 1, done),
      hasBlock(items, 2, done),
      hasBlock(items, 3, done),
    );
    lanesBlock(LANES + done, LANE_BYTES, mask);
  }
  for (let lane = 0; lane < 4; lane++) {
    store<u32>(items + lane * POW_BYTES, laneZeroBits(lane), POW_ZERO_BITS_AT);
  }
}

/** All ones while the padded message of a lane goes beyond `done` bytes. */
function hasBlock(items: usize, lane: i32, done: i32): i32 {
  const length = load<i32>(items + lane * POW_BYTES, POW_LENGTH_AT);
  return ((length + 72) & ~63) > done ? -1 : 0;
}

/** Leading zero bits of the hash value of a lane. */
export function laneZeroBits(lane: i32): i32 {
  let bits = 0;
  for (let i: usize = 0; i < 8; i++) {
    const word = laneWord(lane, i);
    bits += <i32>clz<u32>(word);
    if (word != 0) return bits;
  }
  return bits;
}

/**
 * Tries `count` nonces from `first`: does the SHA-256 of the prefix and the nonce in decimal begin with at
 * least `bits` zero bits? Returns how many nonces after `first` the answer lies, -1 when none fits.
 */
export function solve(prefix: usize, length: i32, first: u32, count: u32, bits: i32): i32 {
  if (count > 0x7fff_ffff) return STATUS_BAD_ARGUMENT;
  const whole = length & ~63;
  sha256Start(START_STATE);
  sha256Blocks(START_STATE, prefix, whole);
  const rest = length & 63;
  for (let lane = 0; lane < 4; lane++) memory.copy(LANES + <usize>lane * LANE_BYTES, prefix + whole, rest);
  let nonce: u64 = first;
  const end = min<u64>(nonce + count, NONCES);
  while (nonce < end) {
    // Nonces of one number of digits: only their digits change from one to the next.
    const stop = min<u64>(end, firstLonger(nonce));
    const found = solveRun(rest, length, nonce, stop, bits);
    if (found < stop) return <i32>(found - first);
    nonce = stop;
  }
  return -1;
}

/** The first number with more digits. */
function firstLonger(nonce: u64): u64 {
  let bound: u64 = 10;
  while (bound <= nonce) bound *= 10;
  return bound;
}

/** Tries the nonces from `from` up to `to`, all of one length: the first that fits, or `to`. */
function solveRun(rest: i32, length: i32, from: u64, to: u64, bits: i32): u64 {
  let nonce = from;
  if (ASC_FEATURE_SIMD) {
    const four = to - ((to - from) & 3);
    const tail = layOutFour(rest, length, <u32>from);
    for (; nonce < four; nonce += 4) {
      if (nonce > from) for (let lane = 0; lane < 4; lane++) addFour(LANES + lane * LANE_BYTES + tail - 1);
      const lane = tryFour(tail, bits);
      if (lane >= 0) return nonce + lane;
    }
  }
  for (; nonce < to; nonce++) if (tryOne(rest, length, <u32>nonce, bits)) return nonce;
  return to;
}

function tryOne(rest: i32, length: i32, nonce: u32, bits: i32): bool {
  const digits = <i32>(writeDecimal(LANES + rest, nonce) - LANES) - rest;
  const tail = rest + digits;
  const blocks = tail & ~63;
  memory.copy(HASH_STATE, START_STATE, 32);
  sha256Blocks(HASH_STATE, LANES, blocks);
  sha256Finish(HASH_STATE, LANES + blocks, tail - blocks, length + digits);
  return digestZeroBits() >= bits;
}

/** Puts four nonces after the rest of the prefix, one in each lane, and returns where they end. */
function layOutFour(rest: i32, length: i32, nonce: u32): i32 {
  let tail = 0;
  for (let lane = 0; lane < 4; lane++) {
    const out = LANES + lane * LANE_BYTES;
    tail = <i32>(writeDecimal(out + rest, nonce + lane) - out);
    sha256Pad(out, tail, length + tail - rest);
  }
  return tail;
}

/** Adds 4 to the decimal number whose last digit is at `at`; it must not grow longer. */
function addFour(at: usize): void {
  let digit = <i32>load<u8>(at) + 4;
  for (let p = at; ; digit = <i32>load<u8>(--p) + 1) {
    if (digit <= 0x39) {
      store<u8>(p, digit);
      return;
    }
    store<u8>(p, digit - 10);
  }
}

/** The first lane whose hash has the bits, or -1. */
function tryFour(tail: i32, bits: i32): i32 {
  lanesStart(START_STATE);
  lanesBlock(LANES, LANE_BYTES, i32x4.splat(-1));
  if (tail > 55) lanesBlock(LANES + 64, LANE_BYTES, i32x4.splat(-1));
  // Nearly every four nonces fail in their first words, which are looked at together.
  const heads = v128.shr<u32>(v128.load(LANES_STATE), 32 - min(bits, 32));
  if (bits > 0 && v128.all_true<u32>(heads)) return -1;
  for (let lane = 0; lane < 4; lane++) if (laneZeroBits(lane) >= bits) return lane;
  return -1;
}
