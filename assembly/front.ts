/** Proof of work with the nonce in front: eight bytes, big-endian, as in the puzzles of TLS handshakes. */
import { STATUS_BAD_ARGUMENT } from './abi/layout.gen';
import { laneZeroBits, leadingZeroBits } from './pow';
import { sha256Pad, sha256Start } from './sha256';
import { lanesBlock, lanesStart } from './sha256x4';

const NONCE_BYTES: i32 = 8;
/** Longest rest of a message: with nonce and padding it fills five blocks. */
const MAX_REST: i32 = 247;
/** A padded message for each lane. */
const MESSAGE_BYTES: usize = 320;
const MESSAGES: usize = memory.data(1_280, 16);
const INITIAL_STATE: usize = memory.data(32, 16);
const NONCES: u64 = 0x1_0000_0000;

/**
 * Tries `count` nonces from `high` x 2^32 + `first`, `high` staying as it is: does the SHA-256 of the nonce and
 * the `length` bytes at `rest` begin with at least `bits` zero bits? Returns how many nonces after the first the
 * answer lies, -1 when none fits, or a status.
 */
export function solveFront(rest: usize, length: i32, high: u32, first: u32, count: u32, bits: i32): i32 {
  if (count > 0x7fff_ffff || length < 0 || length > MAX_REST) return STATUS_BAD_ARGUMENT;
  const lanes: u32 = ASC_FEATURE_SIMD ? 4 : 1;
  const whole = NONCE_BYTES + length;
  let padded = 0;
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const message = MESSAGES + lane * MESSAGE_BYTES;
    store<u32>(message, bswap<u32>(high));
    memory.copy(message + NONCE_BYTES, rest, length);
    padded = sha256Pad(message, whole, whole);
  }
  if (ASC_FEATURE_SIMD) sha256Start(INITIAL_STATE);
  const end = min<u64>(<u64>first + count, NONCES);
  for (let nonce: u64 = first; nonce < end; nonce += lanes) {
    for (let lane: u32 = 0; lane < lanes; lane++) {
      store<u32>(MESSAGES + lane * MESSAGE_BYTES, bswap<u32>(<u32>nonce + lane), 4);
    }
    const found = ASC_FEATURE_SIMD ? tryFour(padded, bits) : tryOne(whole, bits);
    if (found >= 0 && nonce + found < end) return <i32>(nonce + found - first);
  }
  return -1;
}

/** 0 when the first message has the bits, else -1. */
function tryOne(length: i32, bits: i32): i32 {
  return leadingZeroBits(MESSAGES, length) >= bits ? 0 : -1;
}

/** The first lane whose hash has the bits, or -1. */
function tryFour(padded: i32, bits: i32): i32 {
  lanesStart(INITIAL_STATE);
  for (let done = 0; done < padded; done += 64) {
    lanesBlock(MESSAGES + done, MESSAGE_BYTES, i32x4.splat(-1));
  }
  for (let lane = 0; lane < 4; lane++) if (laneZeroBits(lane) >= bits) return lane;
  return -1;
}
